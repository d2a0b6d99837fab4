//! Foreign keys of other tables that refer to the table written: deleting a row that they need is checked by TiDB only.

use ti_client::Snapshot;

use super::refuse::refusal;
use super::spec::Spec;
use super::table::WriteTable;
use crate::catalog::listing::{databases, parse};
use crate::catalog::meta_key;
use crate::catalog::table_info::{DbInfo, TableInfo};
use crate::error::Result;

/// Refuses writes that may delete rows of a table that foreign keys refer to. Inserting rows breaks no such key, so that an append does
/// not read the other tables.
///
/// # Errors
/// `UnsupportedFeature` that names the foreign key.
pub async fn check(snapshot: &mut dyn Snapshot, db: &DbInfo, table: &WriteTable, spec: &Spec) -> Result<()> {
    use ti_proto::plan::write_spec::{Mode, Overwrite};
    if !matches!(spec.mode, Mode::Upsert | Mode::Delta) && spec.overwrite == Overwrite::None {
        return Ok(());
    }
    for other in databases(snapshot).await? {
        let (start, end) = meta_key::tables(other.id);
        for (_, value) in snapshot.scan(start, end).await? {
            // Most tables have no foreign keys, and their descriptions need not be parsed.
            if !contains(&value, b"\"ref_table\"") {
                continue;
            }
            let info: TableInfo = parse(&value, || format!("a table of `{}`", other.db_name.0))?;
            let key = info.fk_info.iter().find(|key| {
                let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
                same(&key.ref_schema.0, &db.db_name.0) && same(&key.ref_table.0, &table.name)
            });
            if let Some(key) = key {
                return Err(refusal(
                    &table.database,
                    &table.name,
                    &format!(
                        "is referred to by the foreign key `{}` of table `{}`.`{}`, and this write deletes or changes rows, which TiDB only can check; write through \
                         TiDB, or append",
                        key.fk_name.0, other.db_name.0, info.name.0
                    ),
                ));
            }
        }
    }
    Ok(())
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}
