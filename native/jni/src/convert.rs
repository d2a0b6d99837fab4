//! Java values <-> messages.

use jni::objects::JByteArray;
use jni::sys::jlong;
use jni::Env;
use prost::Message;
use ti_engine::{Error, ErrorKind, Session};

use crate::error::NativeError;
use crate::handle::SESSIONS;

/// A message from a Java `byte[]`.
pub fn message<M: Message + Default>(env: &Env<'_>, bytes: &JByteArray<'_>, what: &str) -> Result<M, NativeError> {
    let bytes = self::bytes(env, bytes)?;
    M::decode(bytes.as_slice()).map_err(|e| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("{what} is not a message of this library: {e}"),
        )
        .into()
    })
}

/// The content of a Java `byte[]`.
pub fn bytes(env: &Env<'_>, bytes: &JByteArray<'_>) -> Result<Vec<u8>, NativeError> {
    Ok(env.convert_byte_array(bytes)?)
}

/// A Java `byte[]` with a message.
pub fn byte_array<'local>(env: &mut Env<'local>, message: &impl Message) -> Result<JByteArray<'local>, NativeError> {
    Ok(env.byte_array_from_slice(&message.encode_to_vec())?)
}

/// A question to a session: a message in, a message out. `what` is the name of the question's message.
pub fn ask<'local, Q: Message + Default, A: Message>(
    env: &mut Env<'local>,
    session: jlong,
    question: &JByteArray<'_>,
    what: &str,
    answer: impl FnOnce(&Session, Q) -> Result<A, Error>,
) -> Result<JByteArray<'local>, NativeError> {
    let question = message(env, question, what)?;
    let answer = answer(SESSIONS.get(session)?.as_ref(), question)?;
    byte_array(env, &answer)
}

/// The address of a C struct that Java allocated.
pub fn address<T>(address: jlong, what: &str) -> Result<*mut T, NativeError> {
    let invalid = || {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("{address} is not the address of an {what}"),
        )
    };
    let pointer = usize::try_from(address).map_err(|_| invalid())? as *mut T;
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(invalid().into());
    }
    Ok(pointer)
}
