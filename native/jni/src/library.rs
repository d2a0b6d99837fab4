//! `io.tidbspark.jni.NativeLibrary`.

use jni::objects::{JClass, JString};
use jni::EnvUnowned;

use crate::guard::enter;

/// The id of this build, which the jar compares with its own.
pub const BUILD_ID: &str = env!("TIDB_SPARK_BUILD_ID");

/// `static native String buildId()`
#[no_mangle]
pub extern "system" fn Java_io_tidbspark_jni_NativeLibrary_buildId<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
) -> JString<'local> {
    enter(env, |env| Ok(env.new_string(BUILD_ID)?))
}
