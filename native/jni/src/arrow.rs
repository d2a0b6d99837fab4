//! Arrow C Data Interface. Reading: Java allocates the C structs, we fill them, Java imports them. Writing: Java fills them, we import them.
//!
//! A batch is exported as one struct array without nulls and with offset 0. Its memory stays accounted until Java calls the release
//! callback, which the interface lets it do from any thread, exactly once.

use std::ffi::c_void;

use arrow_array::ffi::{from_ffi, FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::{Array, RecordBatch, StructArray};
use arrow_schema::{DataType, Schema};
use ti_engine::{Error, ErrorKind, ScanBatch};

use crate::error::NativeError;

type Release = unsafe extern "C" fn(*mut FFI_ArrowArray);

/// What the exported array keeps alive besides its buffers.
struct Owner {
    release: Release,
    private_data: *mut c_void,
    /// The batch's place in the scan's memory budget.
    permit: Box<dyn Send>,
}

/// Writes the schema into the struct at `target`.
///
/// # Safety
/// `target` points to memory for an `ArrowSchema` that nobody else uses, and that holds none that would have to be released.
pub unsafe fn export_schema(schema: &Schema, target: *mut FFI_ArrowSchema) -> Result<(), NativeError> {
    let exported = FFI_ArrowSchema::try_from(schema)
        .map_err(|e| Error::new(ErrorKind::Internal, format!("the schema cannot be exported: {e}")))?;
    // SAFETY: the caller vouches for the memory. What was there is overwritten without being dropped.
    unsafe { target.write(exported) };
    Ok(())
}

/// Writes the batch into the struct at `target` and answers its number of rows.
///
/// # Safety
/// `target` points to memory for an `ArrowArray` that nobody else uses, and that holds none that would have to be released.
pub unsafe fn export_batch(batch: ScanBatch, target: *mut FFI_ArrowArray) -> Result<i32, NativeError> {
    let rows = i32::try_from(batch.batch.num_rows())
        .map_err(|_| Error::new(ErrorKind::Internal, "a batch has more rows than Java can count"))?;
    let exported = export(StructArray::from(batch.batch), Box::new(batch.permit));
    // SAFETY: the caller vouches for the memory. What was there is overwritten without being dropped.
    unsafe { target.write(exported) };
    Ok(rows)
}

fn export(array: StructArray, permit: Box<dyn Send>) -> FFI_ArrowArray {
    let mut exported = FFI_ArrowArray::new(&array.to_data());
    let Some(release) = exported.release() else {
        // Only a released array has none.
        return exported;
    };
    let owner = Box::new(Owner {
        release,
        private_data: exported.private_data(),
        permit,
    });
    // SAFETY: `release_with_owner` puts the original pair back before it calls the original callback, so arrow's own code never sees ours.
    unsafe {
        exported.set_private_data(Box::into_raw(owner).cast());
        exported.set_release(Some(release_with_owner));
    }
    exported
}

/// The release callback: arrow's own, then the permit.
///
/// # Safety
/// Called by the interface's consumer, once, with an array made by [`export`] (perhaps moved to another address).
unsafe extern "C" fn release_with_owner(array: *mut FFI_ArrowArray) {
    // A panic must not unwind into the JVM, and nothing can be reported from here.
    let _ = std::panic::catch_unwind(|| {
        // SAFETY: the consumer passes a valid array that was not released yet.
        let Some(array) = (unsafe { array.as_mut() }) else {
            return;
        };
        // SAFETY: the private data was made by `Box::into_raw` in `export`, and the callback runs once.
        let owner = unsafe { Box::from_raw(array.private_data().cast::<Owner>()) };
        // SAFETY: these are the values that arrow itself had set.
        unsafe {
            array.set_private_data(owner.private_data);
            array.set_release(Some(owner.release));
            (owner.release)(array);
        }
        drop(owner.permit);
    });
}

/// Takes over a batch: one struct array, whose children are the columns. Both structs are empty afterwards, also when it fails.
///
/// # Safety
/// Both point to structs that were exported by the interface's rules (or are empty), that nobody else uses during the call.
pub unsafe fn import_batch(
    array: *mut FFI_ArrowArray,
    schema: *mut FFI_ArrowSchema,
) -> Result<RecordBatch, NativeError> {
    // SAFETY: the caller vouches for the pointers; what is left behind is an empty struct, which need not be released.
    let (array, schema) = unsafe {
        (
            array.replace(FFI_ArrowArray::empty()),
            schema.replace(FFI_ArrowSchema::empty()),
        )
    };
    let bad = |what: String| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("the Arrow batch cannot be imported: {what}"),
        )
    };
    if array.is_released() || schema.release().is_none() {
        return Err(bad("it was released before".into()).into());
    }
    // SAFETY: the structs are the exporter's, and were not released.
    let mut data = unsafe { from_ffi(array, &schema) }.map_err(|e| bad(e.to_string()))?;
    // Java aligns buffers to 8 bytes; decimals want 16.
    data.align_buffers();
    if !matches!(data.data_type(), DataType::Struct(_)) {
        return Err(bad(format!("it is {}, not a struct", data.data_type())).into());
    }
    if data.null_count() > 0 {
        return Err(bad("it has rows that are NULL as a whole".into()).into());
    }
    Ok(RecordBatch::from(StructArray::from(data)))
}

#[cfg(test)]
#[path = "arrow_tests.rs"]
mod tests;
