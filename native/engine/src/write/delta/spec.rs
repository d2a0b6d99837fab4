//! What a write of changes asks for beyond a write of new rows.

use ti_codec::datum::Datum;
use ti_codec::FieldType;
use ti_proto::plan;

use super::super::table::{HandleSource, WriteTable};
use crate::catalog::descriptor::ROWID_NAME;
use crate::error::{Error, ErrorKind, Result};

/// Which columns say what changes, and what a change may do.
#[derive(Debug, Clone)]
pub struct DeltaSpec {
    /// Offsets of the columns that say which row it is, in the order of the batches; none: it is `_tidb_rowid`.
    pub row_ids: Vec<usize>,
    /// Rows may be put: the batches have the table's columns. Else rows are only deleted, and no key can be taken by anybody.
    pub puts: bool,
    /// Why no row can be inserted, if so.
    pub no_inserts: Option<Error>,
    /// ON UPDATE CURRENT_TIMESTAMP: columns by offset, with the time of the write in their types.
    pub on_update: Vec<(usize, Datum<'static>)>,
}

impl DeltaSpec {
    /// For batches with these columns, which are checked. `not_given`: a column that an inserted row needs and the batches do not have.
    ///
    /// # Errors
    /// Of `now`, the time of the write in a type.
    pub fn new(
        table: &WriteTable,
        row_ids: Vec<usize>,
        inputs: &[usize],
        not_given: Option<Error>,
        now: impl Fn(&FieldType) -> Result<Datum<'static>>,
    ) -> Result<Self> {
        let columns = table.columns.iter().enumerate();
        let on_update = columns
            .filter(|(_, column)| column.on_update_now && !column.generated)
            .map(|(offset, column)| Ok((offset, now(&column.field_type)?)))
            .collect::<Result<_>>()?;
        let puts = !inputs.is_empty();
        let no_columns = || {
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "the write to table {} has no columns, so that it can only delete rows",
                    table.full_name()
                ),
            )
        };
        Ok(Self {
            row_ids,
            no_inserts: if puts { not_given } else { Some(no_columns()) },
            puts,
            on_update,
        })
    }

    /// Columns of the batches before those of the table: the operation and the row id.
    pub fn leading(&self) -> usize {
        1 + self.row_ids.len().max(1)
    }
}

/// Names of the columns that say which row it is: the clustered primary key, in its order, or `_tidb_rowid`.
pub fn row_id_names(table: &WriteTable) -> Vec<String> {
    match &table.handle {
        HandleSource::RowId(_) => vec![ROWID_NAME.to_owned()],
        HandleSource::Column(_) | HandleSource::Common { .. } => {
            let columns = table.handle_offsets().iter();
            columns
                .filter_map(|offset| table.columns.get(*offset))
                .map(|column| column.name.clone())
                .collect()
        }
    }
}

/// Offsets of the row id columns of a request, in its order; none for `_tidb_rowid`.
///
/// # Errors
/// `InvalidArgument`: they are not the columns of the table's handle.
pub fn row_ids(request: &plan::WriteSpec, table: &WriteTable) -> Result<Vec<usize>> {
    let wanted = row_id_names(table);
    let place = |name: &String| wanted.iter().position(|w| w.eq_ignore_ascii_case(name));
    let mut places: Vec<usize> = request.row_id_columns.iter().filter_map(place).collect();
    let offsets = places
        .iter()
        .filter_map(|place| table.handle_offsets().get(*place).copied())
        .collect();
    places.sort_unstable();
    places.dedup();
    if places.len() != wanted.len() || request.row_id_columns.len() != wanted.len() {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "rows of table {} are told by [{}], and the write names [{}]",
                table.full_name(),
                wanted.join(", "),
                request.row_id_columns.join(", ")
            ),
        ));
    }
    Ok(offsets)
}
