//! `io.tidbspark.jni.NativeAdmin`.

use jni::objects::{JByteArray, JClass};
use jni::sys::jlong;
use jni::EnvUnowned;
use ti_engine::Session;

use crate::convert;
use crate::guard::enter;

/// `static native byte[] regions(long session, byte[] request)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeAdmin_regions<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    request: JByteArray<'local>,
) -> JByteArray<'local> {
    enter(env, |env| {
        convert::ask(env, session, &request, "RegionsRequest", Session::regions)
    })
}

/// `static native byte[] resolveTransaction(long session, byte[] request)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeAdmin_resolveTransaction<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    request: JByteArray<'local>,
) -> JByteArray<'local> {
    enter(env, |env| {
        convert::ask(
            env,
            session,
            &request,
            "ResolveTransactionRequest",
            Session::resolve_transaction,
        )
    })
}
