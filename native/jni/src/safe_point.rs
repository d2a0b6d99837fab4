//! `io.tidbspark.jni.NativeSafePoint`.

use std::sync::Arc;

use jni::objects::JClass;
use jni::sys::jlong;
use jni::EnvUnowned;

use crate::guard::enter;
use crate::handle::{SAFE_POINTS, SESSIONS};

/// `static native long open(long session, long tso)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeSafePoint_open<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    tso: jlong,
) -> jlong {
    enter(env, |_| {
        // The bits of an unsigned number.
        let guard = SESSIONS.get(session)?.protect(tso.cast_unsigned())?;
        Ok(SAFE_POINTS.insert(Arc::new(guard))?)
    })
}

/// `static native void close(long safePoint)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeSafePoint_close<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    safe_point: jlong,
) {
    enter(env, |_| {
        // PD is told in the background.
        SAFE_POINTS.remove(safe_point)?;
        Ok(())
    })
}
