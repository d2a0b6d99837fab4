//! `io.tidbspark.jni.NativeTransaction`.

use std::sync::Arc;

use jni::objects::{JByteArray, JClass};
use jni::sys::{jint, jlong};
use jni::EnvUnowned;
use ti_engine::{Error, ErrorKind, Session};

use crate::convert;
use crate::guard::enter;
use crate::handle::{SESSIONS, TRANSACTIONS};

/// `static native byte[] check(long session, byte[] writeSpec)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeTransaction_check<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    spec: JByteArray<'local>,
) -> JByteArray<'local> {
    enter(env, |env| {
        convert::ask(env, session, &spec, "WriteSpec", Session::check_write)
    })
}

/// `static native long begin(long session, byte[] writeSpec)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeTransaction_begin<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    spec: JByteArray<'local>,
) -> jlong {
    enter(env, |env| {
        let spec = convert::message(env, &spec, "WriteSpec")?;
        let job = SESSIONS.get(session)?.begin_write(spec)?;
        Ok(TRANSACTIONS.insert(Arc::new(job))?)
    })
}

/// `static native byte[] startTasks(long transaction, int partitions)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeTransaction_startTasks<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    transaction: jlong,
    partitions: jint,
) -> JByteArray<'local> {
    enter(env, |env| {
        let partitions = u32::try_from(partitions).map_err(|_| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("{partitions} is not a number of partitions"),
            )
        })?;
        convert::byte_array(env, &TRANSACTIONS.get(transaction)?.start_tasks(partitions)?)
    })
}

/// `static native byte[] commit(long transaction, byte[] commitRequest)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeTransaction_commit<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    transaction: jlong,
    request: JByteArray<'local>,
) -> JByteArray<'local> {
    enter(env, |env| {
        let request = convert::message(env, &request, "CommitRequest")?;
        convert::byte_array(env, &TRANSACTIONS.get(transaction)?.commit(request)?)
    })
}

/// `static native void abort(long transaction, byte[] commitRequest)`. The request says nothing that an abort believes: locks of tasks that have
/// not reported are removed too.
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeTransaction_abort<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    transaction: jlong,
    _request: JByteArray<'local>,
) {
    enter(env, |_| Ok(TRANSACTIONS.get(transaction)?.abort()?))
}

/// `static native byte[] metrics(long transaction)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeTransaction_metrics<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    transaction: jlong,
) -> JByteArray<'local> {
    enter(env, |env| {
        convert::byte_array(env, &TRANSACTIONS.get(transaction)?.metrics())
    })
}

/// `static native void close(long transaction)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeTransaction_close<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    transaction: jlong,
) {
    enter(env, |_| {
        TRANSACTIONS.remove(transaction)?;
        Ok(())
    })
}
