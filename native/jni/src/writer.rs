//! `io.tidbspark.jni.NativeWriter`.

use std::sync::Arc;

use jni::objects::{JByteArray, JClass};
use jni::sys::jlong;
use jni::EnvUnowned;

use crate::guard::enter;
use crate::handle::{SESSIONS, WRITERS};
use crate::{arrow, convert};

/// `static native long open(long session, byte[] writerOpen)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeWriter_open<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    open: JByteArray<'local>,
) -> jlong {
    enter(env, |env| {
        let open = convert::message(env, &open, "WriterOpen")?;
        let writer = SESSIONS.get(session)?.open_writer(open)?;
        Ok(WRITERS.insert(Arc::new(writer))?)
    })
}

/// `static native void write(long writer, long arrowArrayAddress, long arrowSchemaAddress)`. Both structs are released here, whatever
/// becomes of the rows.
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeWriter_write<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    writer: jlong,
    array_address: jlong,
    schema_address: jlong,
) {
    enter(env, |_| {
        let array = convert::address(array_address, "ArrowArray")?;
        let schema = convert::address(schema_address, "ArrowSchema")?;
        // SAFETY: Java exported both structs for this call and does not touch them any more.
        let batch = unsafe { arrow::import_batch(array, schema) }?;
        Ok(WRITERS.get(writer)?.write(&batch)?)
    })
}

/// `static native byte[] finish(long writer)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeWriter_finish<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    writer: jlong,
) -> JByteArray<'local> {
    enter(env, |env| convert::byte_array(env, &WRITERS.get(writer)?.finish()?))
}

/// `static native byte[] metrics(long writer)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeWriter_metrics<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    writer: jlong,
) -> JByteArray<'local> {
    enter(env, |env| convert::byte_array(env, &WRITERS.get(writer)?.metrics()))
}

/// `static native void cancel(long writer)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeWriter_cancel<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    writer: jlong,
) {
    enter(env, |_| {
        WRITERS.get(writer)?.cancel();
        Ok(())
    })
}

/// `static native void close(long writer)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeWriter_close<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    writer: jlong,
) {
    enter(env, |_| {
        let writer = WRITERS.remove(writer)?;
        // Another thread may be waiting in `write` or `finish`: it gets `Cancelled`.
        writer.cancel();
        Ok(())
    })
}
