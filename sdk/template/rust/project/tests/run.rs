//! `cargo test --release` runs what `./test.sh` runs, once `cargo build --release` has made the library.
use std::process::Command;

#[test]
fn keeps_its_contract_and_does_something() {
    let status = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/test.sh")).status().expect("test.sh starts");
    assert!(status.success());
}
