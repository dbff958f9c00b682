extension Rule {
  /// What can be seen in the file without running any of it, and while it is loaded.
  static let fileRules = [
    Rule(
      "elf-library", .file, "the file is a shared library for this machine",
      "link with -shared, for the processor that the host runs on"),
    Rule(
      "manifest", .file, "the file has one manifest note, and its JSON is a manifest",
      "put it there with LETHE_MANIFEST_FILE; the message names the key that is wrong"),
    Rule(
      "manifest-keys", .file, .warning, "every key of the manifest is one that this host knows",
      "correct the spelling; an unknown key has no effect"),
    Rule(
      "abi-generation", .file, "the plugin is built for this host's generation of the ABI",
      "rebuild it with the headers of this host (lethe/base.h)"),
    Rule(
      "abi-minor", .file, "the host is as new as the manifest's min_minor asks",
      "lower abi.min_minor to what the code really needs, or update the host"),
    Rule(
      "required-services", .file, "the host offers every service under requires",
      "take out what is not there; look for optional services with host->service"),
    Rule(
      "platform", .file, "the manifest names this platform",
      "build for this platform and write it into the manifest"),
    Rule(
      "swift-runtime", .file, "a plugin that shares the Swift runtime was built with the host's Swift",
      "build with the host's version of Swift, or with -static-stdlib and linkage 'static'"),
    Rule(
      "one-export", .file, "exactly one symbol is exported: the entry",
      "link with -Wl,--version-script=sdk/plugin.version; without it helpers of the same name in two plugins collide"),
    Rule(
      "unique-symbols", .file, "no symbol is unique in the process (STB_GNU_UNIQUE)",
      "compile C++ with -fno-gnu-unique, and hide what is not the entry"),
    Rule(
      "needed-libraries", .file, .warning,
      "it is linked with the C, C++ and Swift runtimes only, or with libraries beside it",
      "link others statically, or put them beside the plugin and link with -Wl,-rpath,'$ORIGIN'"),
    Rule(
      "links-the-host", .file, "it does not link LibTorch or the host",
      "call operators through lethe.ops/1; a second LibTorch in the process breaks both"),
    Rule(
      "undefined-symbols", .file, "every symbol it needs is in a library that it is linked with",
      "link with -Wl,-z,defs, which tells at once what is missing"),
    Rule(
      "text-relocations", .file, "its code is not written to when it is loaded (no TEXTREL)",
      "compile everything with -fPIC"),
    Rule(
      "executable-stack", .file, "it does not ask for a stack that code can run from",
      "assemble with -Wa,--noexecstack, avoid nested functions, link with -Wl,-z,noexecstack"),
    Rule(
      "run-path", .file, "it looks for libraries nowhere but beside itself",
      "link without -rpath, or with -rpath '$ORIGIN'; a path of the build machine may be anybody's elsewhere"),
    Rule(
      "toolchain-run-path", .file, .warning, "it does not carry the path of the toolchain that built it",
      "build with -Xswiftc -no-toolchain-stdlib-rpath"),
    Rule(
      "no-delete", .file, .warning, "it is marked as never unloaded",
      "link with -Wl,-z,nodelete: code that is unloaded may still be called by threads and handles"),
    Rule(
      "constructors", .file, .note, "few functions run when it is loaded",
      "do the work in create; what runs at load runs before any error can be reported"),
    Rule(
      "glibc-floor", .file, "the machine's glibc is as new as the plugin needs",
      "build on the oldest distribution that is to be served"),
    Rule(
      "file-size", .file, .warning, "the file is smaller than 64 MiB", "strip it, or link less into it"),
    Rule(
      "trust", .file, "nobody but root and the user can change the file or the folders above it",
      "the message has the command that mends it"),
  ]

  static let loadRules = [
    Rule(
      "loads", .load, "it loads with all symbols resolved, and its table is what the manifest says",
      "the message says which; both sides are compared before anything is called"),
    Rule(
      "load-time", .load, .warning, "it loads within a second", "do the work in create or prepare"),
    Rule(
      "load-output", .load, "loading it writes nothing to standard output or error",
      "log through core->log; the host's output is read by programs"),
    Rule("load-threads", .load, "loading it leaves no thread running", "start threads in create, join them in destroy"),
    Rule(
      "entry-repeats", .load, "the entry gives the same table every time",
      "keep the table in constant memory and do nothing else in the entry"),
    Rule(
      "entry-host-size", .load, "the entry reads of the host's struct only what its size says is there",
      "look with LETHE_HAS(host, service) before you call; LETHE_DEFINE_PLUGIN does it"),
    Rule(
      "old-host", .load, "it works in a host that has no more than the manifest's min_minor",
      "raise abi.min_minor, or look with LETHE_HAS before you call what is newer"),
  ]

  static let lifeRules = [
    Rule(
      "life-cycle", .life, "every legal order of create, prepare, calls, finish and destroy works",
      "see lethe/plugin.h; destroy may come after any of them"),
    Rule(
      "many-instances", .life, "instances do not know of each other: two side by side do what each does alone",
      "keep everything in the instance that create gives, nothing in variables of the file"),
    Rule(
      "instance-memory", .life, "a thousand instances made and destroyed leave no memory behind",
      "free in destroy what create took"),
    Rule(
      "cancel", .life, "a call returns within a second once the run was asked to stop",
      "poll core->cancelled in long loops and return LETHE_E_CANCELLED; pass on the one that a request gives"),
  ]
}
