use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::ffi::from_ffi;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::{DataType, Field};

use super::*;

/// Counts its drops.
struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn batch() -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("n", DataType::Int64, true),
        Field::new("s", DataType::Utf8, true),
    ]);
    let numbers = Int64Array::from(vec![Some(1), None, Some(3)]);
    let strings = StringArray::from(vec![Some("a"), Some("ü"), None]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(numbers), Arc::new(strings)]).unwrap()
}

#[test]
fn an_exported_batch_is_imported_and_its_memory_given_back_once() {
    let drops = Arc::new(AtomicUsize::new(0));
    let exported = export(StructArray::from(batch()), Box::new(Permit(drops.clone())));
    let schema = FFI_ArrowSchema::try_from(batch().schema().as_ref()).unwrap();
    // SAFETY: both structs were just exported.
    let data = unsafe { from_ffi(exported, &schema) }.unwrap();
    assert_eq!(data.offset(), 0);
    assert_eq!(drops.load(Ordering::SeqCst), 0, "in use");
    let imported = StructArray::from(data);
    assert_eq!(imported, StructArray::from(batch()));
    assert_eq!(imported.column(0).as_primitive::<Int64Type>().value(2), 3);
    drop(imported);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn a_batch_without_columns_keeps_its_number_of_rows() {
    let drops = Arc::new(AtomicUsize::new(0));
    let options = RecordBatchOptions::new().with_row_count(Some(7));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    let exported = export(StructArray::from(batch), Box::new(Permit(drops.clone())));
    assert_eq!((exported.len(), exported.num_children(), exported.offset()), (7, 0, 0));
    drop(exported);
    assert_eq!(
        drops.load(Ordering::SeqCst),
        1,
        "released by its owner when nobody imports it"
    );
}

/// The structs of a batch as Java would leave them.
fn exported(batch: RecordBatch, permit: Permit) -> (FFI_ArrowArray, FFI_ArrowSchema) {
    let schema = FFI_ArrowSchema::try_from(batch.schema().as_ref()).unwrap();
    (export(StructArray::from(batch), Box::new(permit)), schema)
}

#[test]
fn an_imported_batch_is_released_once_when_its_last_column_is_dropped() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (mut array, mut schema) = exported(batch(), Permit(drops.clone()));
    // SAFETY: both structs were just exported.
    let imported = unsafe { import_batch(&mut array, &mut schema) }.unwrap();
    assert!(
        array.is_released() && schema.release().is_none(),
        "nothing is left to release"
    );
    assert_eq!(imported, batch());
    let column = imported.column(1).clone();
    drop(imported);
    assert_eq!(drops.load(Ordering::SeqCst), 0, "a column is in use");
    drop(column);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn what_cannot_be_imported_is_released_all_the_same() {
    let drops = Arc::new(AtomicUsize::new(0));
    let numbers = Int64Array::from(vec![1]).to_data();
    let (mut array, _) = exported(batch(), Permit(drops.clone()));
    let mut schema = FFI_ArrowSchema::try_from(numbers.data_type()).unwrap();
    // SAFETY: both structs were just exported; that they do not belong together is what is tested.
    assert!(unsafe { import_batch(&mut array, &mut schema) }.is_err());
    assert!(array.is_released() && schema.release().is_none());
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    // SAFETY: empty structs are allowed.
    assert!(unsafe { import_batch(&mut array, &mut schema) }.is_err());
}
