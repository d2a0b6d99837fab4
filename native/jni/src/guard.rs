//! The frame of every native method: whatever happens inside, the JVM gets a value or an exception.

use std::any::Any;

use jni::errors::ErrorPolicy;
use jni::{Env, EnvUnowned};
use ti_engine::Error;

use crate::error::{throw, NativeError};

/// Runs a native method. Errors and panics become `NativeException`, and the method returns 0, null or nothing, which Java does not see.
pub fn enter<'local, T: Default>(
    mut env: EnvUnowned<'local>,
    body: impl FnOnce(&mut Env<'local>) -> Result<T, NativeError>,
) -> T {
    env.with_env(body).resolve::<Throw>()
}

struct Throw;

impl<T: Default> ErrorPolicy<T, NativeError> for Throw {
    type Captures<'unowned: 'method, 'method> = ();

    fn on_error<'unowned: 'method, 'method>(
        env: &mut Env<'unowned>,
        _: &mut (),
        error: NativeError,
    ) -> jni::errors::Result<T> {
        if let (NativeError::Engine(error), false) = (&error, env.exception_check()) {
            raise(env, error)?;
        }
        Ok(T::default())
    }

    fn on_panic<'unowned: 'method, 'method>(
        env: &mut Env<'unowned>,
        _: &mut (),
        payload: Box<dyn Any + Send + 'static>,
    ) -> jni::errors::Result<T> {
        if !env.exception_check() {
            raise(env, &Error::from_panic("a native method", &*payload))?;
        }
        Ok(T::default())
    }
}

/// Throws; what the JVM throws instead (no memory, no class) is as good.
fn raise(env: &mut Env<'_>, error: &Error) -> jni::errors::Result<()> {
    match throw(env, error) {
        Err(jni::errors::Error::JavaException) => Ok(()),
        other => other,
    }
}
