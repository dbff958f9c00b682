fn main() {
    // Never unloaded, nothing undefined; rustc itself keeps all symbols but the exported one to the library.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete,-z,defs");
    println!("cargo:rerun-if-changed=src/manifest.json");
}
