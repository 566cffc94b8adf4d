//! Generates the messages of etcd, and of what the server stores in it, from the files of its backend.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = "../../crates/storage-etcd/proto";
    println!("cargo::rerun-if-changed={folder}");
    let descriptors = protox::compile(["etcd.proto", "stored.proto"], [folder])?;
    let mut config = prost_build::Config::new();
    config.bytes(["."]).skip_debug([".etcdserverpb.AuthenticateRequest", ".etcdserverpb.AuthenticateResponse"]);
    config.compile_fds(descriptors)?;
    Ok(())
}
