//! `io.tidbspark.jni.NativeCatalog`.

use jni::objects::{JByteArray, JClass};
use jni::sys::jlong;
use jni::EnvUnowned;

use crate::convert;
use crate::guard::enter;
use crate::handle::SESSIONS;

/// `static native byte[] listNamespaces(long session, byte[] request)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeCatalog_listNamespaces<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    request: JByteArray<'local>,
) -> JByteArray<'local> {
    enter(env, |env| {
        let request = convert::message(env, &request, "ListNamespacesRequest")?;
        convert::byte_array(env, &SESSIONS.get(session)?.list_namespaces(request)?)
    })
}

/// `static native byte[] listTables(long session, byte[] request)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeCatalog_listTables<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    request: JByteArray<'local>,
) -> JByteArray<'local> {
    enter(env, |env| {
        let request = convert::message(env, &request, "ListTablesRequest")?;
        convert::byte_array(env, &SESSIONS.get(session)?.list_tables(request)?)
    })
}

/// `static native byte[] loadTable(long session, byte[] request)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeCatalog_loadTable<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    session: jlong,
    request: JByteArray<'local>,
) -> JByteArray<'local> {
    enter(env, |env| {
        let request = convert::message(env, &request, "LoadTableRequest")?;
        convert::byte_array(env, &SESSIONS.get(session)?.load_table(request)?)
    })
}
