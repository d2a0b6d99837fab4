//! Changes of rows as Spark would send them, made by queries of TiDB.

use arrow_array::RecordBatch;
use ti_engine::Result;
use ti_proto::plan;
use ti_proto::plan::write_spec::Mode;

use super::write::spec;
use super::Cluster;

/// Operations by their numbers.
pub const DELETE: u8 = 0;
pub const UPDATE: u8 = 1;
pub const INSERT: u8 = 2;

/// A table whose rows change.
pub struct Target<'a> {
    cluster: &'a Cluster,
    pub table: String,
    /// Columns that say which row it is.
    pub ids: Vec<String>,
    pub columns: Vec<String>,
    types: Vec<String>,
}

impl<'a> Target<'a> {
    pub fn new(cluster: &'a Cluster, table: &str) -> Self {
        let shown = cluster.rows(&format!("SHOW COLUMNS FROM `{table}`"));
        let (columns, types) = shown
            .into_iter()
            .map(|mut row| (row[0].take().unwrap(), row[1].take().unwrap()))
            .unzip();
        let mut request = spec(cluster, table, &[]);
        request.mode = Mode::Delta.into();
        let info = cluster.session.check_write(request).unwrap();
        Self {
            cluster,
            table: table.to_owned(),
            ids: info.handle_columns,
            columns,
            types,
        }
    }

    fn type_of(&self, column: &str) -> &str {
        match self.columns.iter().position(|c| c == column) {
            Some(at) => &self.types[at],
            None => "BIGINT",
        }
    }

    /// What is asked for: all columns unless rows are only deleted.
    pub fn spec(&self, only_deletes: bool) -> plan::WriteSpec {
        let columns: Vec<&str> = match only_deletes {
            true => Vec::new(),
            false => self.columns.iter().map(String::as_str).collect(),
        };
        let mut request = spec(self.cluster, &self.table, &columns);
        request.mode = Mode::Delta.into();
        request.row_id_columns.clone_from(&self.ids);
        request.start_ts = self.cluster.timestamp();
        request
    }

    /// Deletions of the rows for which a condition holds, as a query.
    pub fn deletes(&self, condition: &str) -> String {
        let nulls = vec!["NULL"; self.columns.len()].join(", ");
        format!(
            "SELECT {DELETE}, {}, {nulls} FROM `{}` WHERE {condition} ORDER BY {}",
            self.ids.join(", "),
            self.table,
            self.ids.join(", ")
        )
    }

    /// Updates of these rows.
    pub fn updates(&self, assignments: &[(&str, &str)], condition: &str) -> String {
        let value = |column: &String| match assignments.iter().find(|(name, _)| name == column) {
            Some((_, value)) => (*value).to_owned(),
            None => column.clone(),
        };
        let values: Vec<String> = self.columns.iter().map(value).collect();
        format!(
            "SELECT {UPDATE}, {}, {} FROM `{}` WHERE {condition} ORDER BY {}",
            self.ids.join(", "),
            values.join(", "),
            self.table,
            self.ids.join(", ")
        )
    }

    /// Inserts of rows, each a list of all columns.
    pub fn inserts(&self, rows: &[&str]) -> String {
        let nulls = vec!["NULL"; self.ids.len()].join(", ");
        let rows: Vec<String> = rows.iter().map(|row| format!("({INSERT}, {nulls}, {row})")).collect();
        format!("VALUES {}", rows.join(", "))
    }

    /// The changes of queries, in their order, as one batch or more.
    pub fn batches(&self, queries: &[String]) -> Vec<RecordBatch> {
        let mut definitions = vec!["op INT".to_owned()];
        let ids = self.ids.iter().enumerate();
        definitions.extend(ids.map(|(i, id)| format!("r{i} {} NULL", self.type_of(id))));
        let types = self.types.iter().enumerate();
        definitions.extend(types.map(|(i, ty)| format!("c{i} {ty} NULL")));
        let cluster = self.cluster;
        cluster.sql("DROP TABLE IF EXISTS source");
        cluster.sql(&format!("CREATE TABLE source ({})", definitions.join(", ")));
        for query in queries {
            cluster.sql(&format!("INSERT INTO source {query}"));
        }
        let columns = cluster.columns("source");
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        cluster.batches_of("source", &columns)
    }

    /// Without the table's columns, as deletes come.
    pub fn only_ids(&self, batches: &[RecordBatch]) -> Vec<RecordBatch> {
        let columns: Vec<usize> = (0..=self.ids.len()).collect();
        batches.iter().map(|batch| batch.project(&columns).unwrap()).collect()
    }

    /// Makes the changes in so many tasks.
    pub fn write(&self, queries: &[String], tasks: usize) -> Result<plan::WriteResult> {
        let parts = split(&self.batches(queries), tasks);
        self.cluster.write(self.spec(false), &parts)
    }

    /// Deletes rows in so many tasks, without their columns.
    pub fn delete(&self, condition: &str, tasks: usize) -> Result<plan::WriteResult> {
        let batches = self.batches(&[self.deletes(condition)]);
        let parts = split(&self.only_ids(&batches), tasks);
        self.cluster.write(self.spec(true), &parts)
    }
}

/// Rows of batches, for so many tasks one after the other.
pub fn split(batches: &[RecordBatch], tasks: usize) -> Vec<Vec<RecordBatch>> {
    let mut parts = vec![Vec::new(); tasks];
    for batch in batches {
        let rows = batch.num_rows();
        let size = rows.div_ceil(tasks).max(1);
        for (task, part) in parts.iter_mut().enumerate() {
            let start = (task * size).min(rows);
            part.push(batch.slice(start, size.min(rows - start)));
        }
    }
    parts
}

impl Cluster {
    /// A timestamp of PD.
    pub fn timestamp(&self) -> u64 {
        let client = self.session.client();
        ti_engine::runtime::runtime()
            .unwrap()
            .block_on(client.timestamp())
            .unwrap()
    }
}
