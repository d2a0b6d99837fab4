//! Errors on their way to Java.

use jni::errors::Error as JniError;
use jni::objects::{JObject, JValue};
use jni::{jni_sig, jni_str, Env};
use ti_engine::{Error, ErrorKind};

/// What a native method fails with.
#[derive(Debug)]
pub enum NativeError {
    /// To be thrown as `NativeException`.
    Engine(Error),
    /// A Java exception is already on its way: it is left alone.
    Pending,
}

impl From<Error> for NativeError {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<JniError> for NativeError {
    fn from(error: JniError) -> Self {
        match error {
            JniError::JavaException => Self::Pending,
            JniError::NullPtr(what) => Self::Engine(Error::new(
                ErrorKind::InvalidArgument,
                format!("a native method was given null: {what}"),
            )),
            other => Self::Engine(Error::new(
                ErrorKind::Internal,
                format!("the JVM refused a call: {other}"),
            )),
        }
    }
}

/// Throws `NativeException(kind, message, retryable)`. Runs on the Java thread that called the native method, so that the class is
/// found by the class loader of its caller.
pub fn throw(env: &mut Env<'_>, error: &Error) -> jni::errors::Result<()> {
    let class = env.find_class(jni_str!("io/tidbspark/jni/NativeException"))?;
    let kind = JObject::from(env.new_string(error.kind.name())?);
    let message = JObject::from(env.new_string(&error.message)?);
    let arguments = [
        JValue::Object(&kind),
        JValue::Object(&message),
        JValue::Bool(error.retryable),
    ];
    let exception = env.new_object(class, jni_sig!("(Ljava/lang/String;Ljava/lang/String;Z)V"), &arguments)?;
    let exception = env.cast_local::<jni::objects::JThrowable>(exception)?;
    env.throw(exception)
}
