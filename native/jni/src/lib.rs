//! JNI library.
#![allow(missing_docs)]
