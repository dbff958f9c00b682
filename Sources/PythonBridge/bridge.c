/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge.c - starts Python in the process, once, and hands a plugin's source to the kit in sdk/python, which speaks the C
 * ABI from there by ctypes.
 *
 * No Python is linked and none of its headers is needed: the interpreter that LETHE_PYTHON names, or `python3`, says where
 * its library is, so that its version, its folders and its packages are those that its user knows. Only functions of the
 * stable ABI and three that every Python 3 exports are called.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include <lethe/lethe.h>

extern char **environ;

/* What the kit's `_bridge.enter` reads and answers; _abi.py has the same. */
struct request {
  const lethe_host *host;
  const char *path;
  const unsigned char *text;
  uint64_t length;
  const char *libtorch;   /* the folder of the host's LibTorch, or "" where there is none */
  const char *interpreter; /* its own account of itself, JSON */
  const lethe_plugin **out;
  lethe_error *error;
  int32_t status;
  int32_t reserved0;
};

/* The functions of Python, found by name. */
static struct {
  void (*set_program_name)(const wchar_t *);
  wchar_t *(*decode)(const char *, size_t *);
  int (*is_initialized)(void);
  void (*initialize)(int);
  void *(*save_thread)(void);
  int (*ensure)(void);
  void (*release)(int);
  int (*run)(const char *, void *);
} python;

static char *interpreter; /* JSON of the probe, kept for the life of the process */

/* With -c Python looks for modules in the current folder first, which may be anybody's. */
static const char *const probe =
    "import sys\n"
    "sys.path[:] = [folder for folder in sys.path if folder[:1] == '/']\n"
    "import json, os, sysconfig\n"
    "v = sysconfig.get_config_var\n"
    "places = [os.path.join(folder, name) for name in (v('INSTSONAME'), v('LDLIBRARY')) if name\n"
    "          for folder in (v('LIBDIR'), os.path.join(v('LIBDIR') or '', v('MULTIARCH') or ''),\n"
    "                         os.path.join(sys.base_prefix, 'lib')) if folder]\n"
    "print(next((p for p in places if '.so' in os.path.basename(p) and os.path.exists(p)), ''))\n"
    "print(sys.executable)\n"
    "print('%d.%d.%d' % sys.version_info[:3])\n"
    "print(json.dumps({'executable': sys.executable, 'path': sys.path, 'prefix': sys.prefix,\n"
    "                  'exec_prefix': sys.exec_prefix, 'version': list(sys.version_info[:3])}))\n";

/* Runs the interpreter on the probe and gives what it wrote, to be freed, or NULL. */
static char *ask(const char *program) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return NULL;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  char *arguments[] = {(char *)program, "-c", (char *)probe, NULL};
  pid_t child;
  const int failed = posix_spawnp(&child, program, &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  size_t length = 0, room = 1 << 16;
  char *text = failed ? NULL : malloc(room + 1);
  while (text != NULL && length < room) {
    const ssize_t got = read(ends[0], text + length, room - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    length += (size_t)got;
  }
  close(ends[0]);
  if (failed) return NULL;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (text == NULL || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    free(text);
    return NULL;
  }
  text[length] = 0;
  return text;
}

/* Cuts the next line off. */
static char *line(char **rest) {
  char *start = *rest, *end = strchr(start, '\n');
  if (end == NULL) return start;
  *end = 0;
  *rest = end + 1;
  return start;
}

static int find_functions(void *library) {
  const struct {
    const char *name;
    void *slot;
    int optional;
  } wanted[] = {
      {"Py_SetProgramName", &python.set_program_name, 1}, {"Py_DecodeLocale", &python.decode, 0},
      {"Py_IsInitialized", &python.is_initialized, 0},    {"Py_InitializeEx", &python.initialize, 0},
      {"PyEval_SaveThread", &python.save_thread, 0},      {"PyGILState_Ensure", &python.ensure, 0},
      {"PyGILState_Release", &python.release, 0},         {"PyRun_SimpleStringFlags", &python.run, 0},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    void *found = dlsym(library, wanted[i].name);
    if (found == NULL && !wanted[i].optional) return 0;
    memcpy(wanted[i].slot, &found, sizeof found);
  }
  return 1;
}

/* Starts Python; all calls come from the run's one thread. */
static lethe_status start(lethe_error *error) {
  static char message[512];
  const char *named = secure_getenv("LETHE_PYTHON");
  const char *program = named != NULL && *named ? named : "python3";
  char *said = ask(program);
  if (said == NULL) {
    snprintf(message, sizeof message,
             "there is no working Python '%.200s', which runs this file; LETHE_PYTHON names one, 3.9 or later", program);
    return lethe_fail(error, LETHE_E_NOT_FOUND, message);
  }
  char *rest = said;
  const char *library = line(&rest), *executable = line(&rest), *version = line(&rest);
  char *account = line(&rest);
  if (strncmp(version, "3.", 2) != 0 || atoi(version + 2) < 9) {
    snprintf(message, sizeof message, "Python '%.200s' is %.20s; 3.9 or later would be right", program, version);
  } else if (*library == 0) {
    snprintf(message, sizeof message,
             "Python '%.200s' comes without its shared library (on Debian it is the package libpython3.%d); install it, or "
             "let LETHE_PYTHON name another",
             program, atoi(version + 2));
  } else {
    /* Its symbols must be seen by the modules that it opens: `import math` fails without. */
    void *handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    if (handle != NULL && find_functions(handle)) {
      interpreter = strdup(account);
      if (!python.is_initialized()) {
        wchar_t *wide = python.decode(executable, NULL);
        /* By it Python finds its virtual environment. Never freed, as Python keeps it. */
        if (python.set_program_name != NULL && wide != NULL) python.set_program_name(wide);
        python.initialize(0); /* no signal handlers: Ctrl-C is the host's */
        python.save_thread();
      }
      free(said);
      return interpreter != NULL ? LETHE_OK : lethe_fail(error, LETHE_E_EXHAUSTED, "no memory");
    }
    const char *why = handle == NULL ? dlerror() : "it lacks functions of Python 3";
    snprintf(message, sizeof message, "'%.200s' cannot be used: %.200s", library, why != NULL ? why : "");
  }
  free(said);
  return lethe_fail(error, LETHE_E_PRECONDITION, message);
}

__attribute__((visibility("default"))) lethe_status lethe_python_enter(
    const lethe_host *host, const char *path, const unsigned char *text, uint64_t length, const char *kit,
    const char *libtorch, const lethe_plugin **out, lethe_error *error) {
  if (interpreter == NULL) {
    const lethe_status status = start(error);
    if (status != LETHE_OK) return status;
  }
  struct request request = {host, path, text, length, libtorch, interpreter, out, error, LETHE_E_INTERNAL, 0};
  char boot[512];
  /* Addresses instead of texts: nothing has to be quoted. */
  snprintf(boot, sizeof boot,
           "def _lethe():\n"
           "    import ctypes, os, sys\n"
           "    kit = os.fsdecode(ctypes.string_at(%lu))\n"
           "    if kit not in sys.path: sys.path.insert(0, kit)\n"
           "    from lethe import _bridge\n"
           "    _bridge.enter(%lu)\n"
           "_lethe()\n",
           (unsigned long)(uintptr_t)kit, (unsigned long)(uintptr_t)&request);
  const int gil = python.ensure();
  const int failed = python.run(boot, NULL);
  python.release(gil);
  if (failed)
    return lethe_fail(error, LETHE_E_INTERNAL, "the Python kit does not start; what Python said of it stands above");
  return request.status;
}
