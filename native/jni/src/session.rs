//! `io.tidbspark.jni.NativeSession`.

use jni::objects::{JByteArray, JClass};
use jni::sys::jlong;
use jni::EnvUnowned;
use ti_engine::{Error, ErrorKind, Session};

use crate::convert;
use crate::guard::enter;
use crate::handle::SESSIONS;

/// `static native long open(byte[] sessionConfig)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeSession_open<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    config: JByteArray<'local>,
) -> jlong {
    enter(env, |env| {
        let session = Session::open(convert::message(env, &config, "SessionConfig")?)?;
        Ok(SESSIONS.insert(session)?)
    })
}

/// `static native long timestamp(long session)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeSession_timestamp<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
) -> jlong {
    enter(env, |_| {
        let timestamp = SESSIONS.get(session)?.timestamp()?;
        Ok(i64::try_from(timestamp).map_err(|_| {
            Error::new(
                ErrorKind::Internal,
                format!("PD's timestamp {timestamp} does not fit a Java long"),
            )
        })?)
    })
}

/// `static native long clusterId(long session)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeSession_clusterId<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
) -> jlong {
    enter(env, |_| Ok(SESSIONS.get(session)?.client().cluster_id().cast_signed()))
}

/// `static native void close(long session)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeSession_close<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
) {
    enter(env, |_| {
        SESSIONS.remove(session)?;
        Ok(())
    })
}
