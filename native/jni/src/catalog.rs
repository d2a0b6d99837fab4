//! `io.tidbspark.jni.NativeCatalog`.

use jni::objects::{JByteArray, JClass};
use jni::sys::jlong;
use jni::EnvUnowned;
use ti_engine::Session;

use crate::convert;
use crate::guard::enter;

/// `static native byte[] listNamespaces(long session, byte[] request)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeCatalog_listNamespaces<'local>(
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
            "ListNamespacesRequest",
            Session::list_namespaces,
        )
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
        convert::ask(env, session, &request, "ListTablesRequest", Session::list_tables)
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
        convert::ask(env, session, &request, "LoadTableRequest", Session::load_table)
    })
}
