//! `io.tidbspark.jni.NativeSql`.

use jni::objects::{JByteArray, JClass};
use jni::EnvUnowned;
use ti_engine::sql::{self, Secret};
use ti_engine::{Error, ErrorKind};

use crate::convert;
use crate::guard::enter;

/// `static native byte[] execute(byte[] request, byte[] password)`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeSql_execute<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    request: JByteArray<'local>,
    password: JByteArray<'local>,
) -> JByteArray<'local> {
    enter(env, |env| {
        let request = convert::message(env, &request, "DdlRequest")?;
        let password = String::from_utf8(convert::bytes(env, &password)?).map_err(|_| {
            // Not the text: it is a password.
            Error::new(ErrorKind::InvalidArgument, "the password of TiDB's user is not UTF-8")
        })?;
        let result = sql::execute(request, &Secret::new(password))?;
        convert::byte_array(env, &result)
    })
}
