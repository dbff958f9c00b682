/* Puts manifest.json into the plugin's note, which Swift cannot write by itself. */
#include <lethe/manifest.h>

#pragma clang diagnostic ignored "-Wc23-extensions"

enum { length = sizeof (const char[]){
#embed "manifest.json"
} };
LETHE_MANIFEST_BEGIN(length)
#embed "manifest.json"
LETHE_MANIFEST_END
