//! `io.tidbspark.jni.NativePlanner`.

use jni::objects::{JByteArray, JClass};
use jni::sys::jlong;
use jni::EnvUnowned;
use ti_engine::Session;

use crate::convert;
use crate::guard::enter;

/// `static native byte[] plan(long session, byte[] scanSpec)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativePlanner_plan<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    spec: JByteArray<'local>,
) -> JByteArray<'local> {
    enter(env, |env| convert::ask(env, session, &spec, "ScanSpec", Session::plan))
}

/// `static native byte[] check(long session, byte[] scanSpec)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativePlanner_check<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    spec: JByteArray<'local>,
) -> JByteArray<'local> {
    enter(env, |env| convert::ask(env, session, &spec, "ScanSpec", Session::check))
}

/// `static native byte[] statistics(long session, byte[] scanSpec)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativePlanner_statistics<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    spec: JByteArray<'local>,
) -> JByteArray<'local> {
    enter(env, |env| {
        convert::ask(env, session, &spec, "ScanSpec", Session::statistics)
    })
}
