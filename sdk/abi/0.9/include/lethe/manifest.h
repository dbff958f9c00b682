/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/manifest.h - the manifest: JSON in an ELF note, which the host reads without running a line of the plugin.
 * The note's owner is "lethe", its type 0x4c540001, its section .note.lethe.manifest, its text ends with a NUL.
 *
 * Three ways to put it there:
 *   LETHE_MANIFEST("{ ... }");                 the text as a string;
 *   LETHE_MANIFEST_FILE("manifest.json");      a file that the assembler finds in the folder of the call or along -I;
 *                                              tell your build that the object depends on it;
 *   a compiler that knows #embed (clang 19, gcc 15) finds the file beside the source and tracks it by itself:
 *
 *     enum { length = sizeof (const char[]){
 *     #embed "manifest.json"
 *     } };
 *     LETHE_MANIFEST_BEGIN(length)
 *     #embed "manifest.json"
 *     LETHE_MANIFEST_END
 */
#ifndef LETHE_MANIFEST_H
#define LETHE_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#define LETHE_NOTE_MANIFEST 0x4c540001u

/* The note: `length` bytes of text, a NUL, and padding. */
#define LETHE_MANIFEST_BEGIN(length)                                                                \
  __attribute__((used, aligned(4), section(".note.lethe.manifest"))) static const struct {          \
    uint32_t namesz, descsz, type;                                                                  \
    char name[8];                                                                                   \
    char desc[((size_t)(length) + 4u) & ~(size_t)3u];                                               \
  } lethe_manifest_note_ = {6u, (uint32_t)(length) + 1u, LETHE_NOTE_MANIFEST, "lethe\0", {
#define LETHE_MANIFEST_END }};

#define LETHE_MANIFEST(json)                                                                        \
  __attribute__((used, aligned(4), section(".note.lethe.manifest"))) static const struct {          \
    uint32_t namesz, descsz, type;                                                                  \
    char name[8];                                                                                   \
    char desc[(sizeof(json) + 3u) & ~(size_t)3u];                                                   \
  } lethe_manifest_note_ = {6u, (uint32_t)sizeof(json), LETHE_NOTE_MANIFEST, "lethe\0", json}

#define LETHE_MANIFEST_FILE(path)                                                                   \
  __asm__(".pushsection .note.lethe.manifest,\"a\",@note\n"                                         \
          ".balign 4\n.long 6\n.long 2f-1f\n.long 0x4c540001\n.asciz \"lethe\"\n.balign 4\n"        \
          "1: .incbin \"" path "\"\n.byte 0\n2: .balign 4\n.popsection\n")

#endif
