//! Passes the build id on, and builds again when it changes.

fn main() {
    println!("cargo:rerun-if-env-changed=TIDB_SPARK_BUILD_ID");
    let id = std::env::var("TIDB_SPARK_BUILD_ID").unwrap_or_default();
    let id = if id.is_empty() { "dev" } else { id.as_str() };
    println!("cargo:rustc-env=TIDB_SPARK_BUILD_ID={id}");
}
