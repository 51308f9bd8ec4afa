//! The recording's message types beside the schema (`proto/modtrail.v1.rs`, `proto/modtrail.fds`) are what the schema
//! compiles to.
//!
//! In: `proto/modtrail.proto`. Out: a failure where they differ; `MODTRAIL_BLESS=1 cargo test -p modtrail-core --test
//! schema` writes them anew. They are kept, not made by each build: what compiles a schema takes longer to build than
//! the library.

use protox::prost::Message as _;
use std::fs;
use std::path::Path;

#[test]
fn the_message_types_are_those_of_the_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let made = tempfile::tempdir().expect("a folder");
    // Without comments: the schema stands in every recording.
    let mut compiler = protox::Compiler::new([&folder]).expect("a folder with the schema");
    let compiled = compiler.include_source_info(false).open_file("modtrail.proto").expect("a schema");
    let descriptors = compiled.file_descriptor_set();
    fs::write(made.path().join("modtrail.fds"), descriptors.encode_to_vec()).expect("a file");
    prost_build::Config::new().out_dir(made.path()).compile_fds(descriptors).expect("types");
    for name in ["modtrail.fds", "modtrail.v1.rs"] {
        let made = fs::read(made.path().join(name)).expect("a file");
        let kept = folder.join(name);
        if std::env::var_os("MODTRAIL_BLESS").is_some() {
            fs::write(&kept, &made).expect("a file");
        }
        let is_same = fs::read(&kept).is_ok_and(|kept| kept == made);
        assert!(is_same, "{} is not what the schema compiles to: run this with MODTRAIL_BLESS=1", kept.display());
    }
}
