//! `io.tidbspark.jni.NativeScan`.

use std::sync::Arc;
use std::time::Duration;

use jni::objects::{JByteArray, JClass};
use jni::sys::{jint, jlong};
use jni::EnvUnowned;
use ti_engine::{scan_schema, Next};

use crate::guard::enter;
use crate::handle::{SCANS, SESSIONS};
use crate::{arrow, convert};

/// `next`: no more rows.
const END: jint = -1;
/// `next`: nothing yet within the time-out.
const PENDING: jint = -2;

/// `static native void schema(byte[] common, long arrowSchemaAddress)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeScan_schema<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    common: JByteArray<'local>,
    schema_address: jlong,
) {
    enter(env, |env| {
        let schema = scan_schema(&convert::bytes(env, &common)?)?;
        let target = convert::address(schema_address, "ArrowSchema")?;
        // SAFETY: Java allocated the struct for this call and imports it afterwards.
        unsafe { arrow::export_schema(&schema, target) }
    })
}

/// `static native long open(long session, byte[] scanOpen)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeScan_open<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    open: JByteArray<'local>,
) -> jlong {
    enter(env, |env| {
        let open = convert::message(env, &open, "ScanOpen")?;
        let scan = SESSIONS.get(session)?.open_scan(open)?;
        Ok(SCANS.insert(Arc::new(scan))?)
    })
}

/// `static native int next(long scan, long arrowArrayAddress, long timeoutMillis)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeScan_next<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    scan: jlong,
    array_address: jlong,
    timeout_millis: jlong,
) -> jint {
    enter(env, |_| {
        let target = convert::address(array_address, "ArrowArray")?;
        let timeout = Duration::from_millis(u64::try_from(timeout_millis).unwrap_or(0));
        match SCANS.get(scan)?.next(timeout)? {
            // SAFETY: Java allocated the struct for this call and imports it afterwards.
            Next::Batch(batch) => unsafe { arrow::export_batch(batch, target) },
            Next::End => Ok(END),
            Next::Pending => Ok(PENDING),
        }
    })
}

/// `static native byte[] metrics(long scan)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeScan_metrics<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    scan: jlong,
) -> JByteArray<'local> {
    enter(env, |env| convert::byte_array(env, &SCANS.get(scan)?.metrics()))
}

/// `static native void cancel(long scan)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeScan_cancel<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    scan: jlong,
) {
    enter(env, |_| {
        SCANS.get(scan)?.cancel();
        Ok(())
    })
}

/// `static native void close(long scan)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeScan_close<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    scan: jlong,
) {
    enter(env, |_| {
        let scan = SCANS.remove(scan)?;
        // Another thread may be waiting in `next`: it gets `Cancelled`.
        scan.cancel();
        Ok(())
    })
}
