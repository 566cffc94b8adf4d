//! Generates the messages of etcd and of what is stored in it.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["etcd.proto", "stored.proto"], ["proto"])?;
    let mut config = prost_build::Config::new();
    // Passwords and tokens are in no output for debugging.
    config.bytes(["."]).skip_debug([".etcdserverpb.AuthenticateRequest", ".etcdserverpb.AuthenticateResponse"]);
    config.compile_fds(descriptors)?;
    Ok(())
}
