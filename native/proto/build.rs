//! Compiles `proto/*.proto` with protox, so that no `protoc` is needed on the machine.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["health.proto", "plan.proto", "pdpb.proto", "tikvpb.proto", "tipb.proto"];
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(files, ["proto"])?;
    tonic_prost_build::configure()
        .build_server(false)
        // Answers of the coprocessor are large: hold them as slices of the received frame, without a copy.
        .bytes(".coprocessor.Response.data")
        .bytes(".coprocessor.Request.data")
        .bytes(".tipb.Chunk.rows_data")
        // Keys and values of a write are shared by its requests, their retries and their owner.
        .bytes(".kvrpcpb.Mutation")
        .bytes(".kvrpcpb.PrewriteRequest.primary_lock")
        .bytes(".kvrpcpb.CommitRequest.keys")
        .bytes(".kvrpcpb.BatchGetRequest.keys")
        .compile_fds(descriptors)?;
    Ok(())
}
