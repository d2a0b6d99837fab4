//! Writing through the engine as Spark does: a job, its tasks, their messages.

use arrow_array::RecordBatch;
use ti_engine::{Result, WriteJob};
use ti_proto::plan;

use super::raw::Pairs;
use super::Cluster;

/// A write as the plugin asks for it.
pub fn spec(cluster: &Cluster, table: &str, columns: &[&str]) -> plan::WriteSpec {
    plan::WriteSpec {
        database: cluster.database.clone(),
        table: table.into(),
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        batch_bytes: 1 << 20,
        request_bytes: 16 << 10,
        concurrency: 8,
        prewrite_deadline_ms: 60_000,
        commit_deadline_ms: 60_000,
        ..Default::default()
    }
}

/// One attempt of a task.
pub fn attempt(plan: &plan::WritePlan, partition: u32, attempt_number: u32) -> plan::WriterOpen {
    plan::WriterOpen {
        common: plan.common.clone(),
        partition,
        task_id: u64::from(partition) << 8 | u64::from(attempt_number),
        attempt_number,
        stage_attempt_number: 0,
        memory_bytes: 64 << 20,
    }
}

impl Cluster {
    /// Runs a task to its end.
    pub fn task(&self, open: plan::WriterOpen, batches: &[RecordBatch]) -> Result<plan::CommitMessage> {
        let writer = self.session.open_writer(open)?;
        for batch in batches {
            writer.write(batch)?;
        }
        writer.finish()
    }

    /// Runs all tasks, one for each element, and gives the job to commit.
    pub fn tasks(
        &self,
        spec: plan::WriteSpec,
        tasks: &[Vec<RecordBatch>],
    ) -> Result<(WriteJob, Vec<plan::CommitMessage>)> {
        let job = self.session.begin_write(spec)?;
        let plan = job.start_tasks(u32::try_from(tasks.len()).unwrap())?;
        let messages: Result<Vec<_>> = tasks
            .iter()
            .enumerate()
            .map(|(partition, batches)| self.task(attempt(&plan, u32::try_from(partition).unwrap(), 0), batches))
            .collect();
        match messages {
            Ok(messages) => Ok((job, messages)),
            Err(error) => {
                job.abort()?;
                Err(error)
            }
        }
    }

    /// The whole write: aborted when it fails, as Spark does.
    pub fn write(&self, spec: plan::WriteSpec, tasks: &[Vec<RecordBatch>]) -> Result<plan::WriteResult> {
        let (job, messages) = self.tasks(spec, tasks)?;
        let done = job.commit(plan::CommitRequest { messages });
        if done.is_err() {
            job.abort()?;
        }
        done
    }

    /// Rows as batches: `VALUES` lists of a table without keys that has the columns of `definition`.
    pub fn source(&self, definition: &str, values: &str) -> Vec<RecordBatch> {
        self.sql("DROP TABLE IF EXISTS source");
        self.sql(&format!("CREATE TABLE source ({definition})"));
        if !values.is_empty() {
            self.sql(&format!("INSERT INTO source VALUES {values}"));
        }
        let columns = self.columns("source");
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let batches = self.batches_of("source", &columns);
        if !batches.is_empty() {
            return batches;
        }
        let plan = self.plan(&self.load("source").unwrap(), &columns).unwrap();
        vec![RecordBatch::new_empty(ti_engine::scan_schema(&plan.common).unwrap())]
    }

    /// Rows for a table, as batches of all its columns.
    pub fn rows_for(&self, table: &str, values: &str) -> Vec<RecordBatch> {
        let columns = self.rows(&format!("SHOW COLUMNS FROM `{table}`"));
        let definitions: Vec<String> = columns
            .into_iter()
            .map(|row| match row.as_slice() {
                [Some(name), Some(ty), ..] => format!("`{name}` {ty} NULL"),
                other => panic!("{other:?}"),
            })
            .collect();
        self.source(&definitions.join(", "), values)
    }

    /// All columns of a table, as batches.
    pub fn batches_of(&self, table: &str, columns: &[&str]) -> Vec<RecordBatch> {
        let schema = self.load(table).unwrap();
        let plan = self.plan(&schema, columns).unwrap();
        self.batches(&plan).unwrap_or_else(|e| panic!("{table}: {e}"))
    }

    /// Everything that a table has, with the table ids of its keys replaced by their positions.
    pub fn contents(&self, table: &str) -> Pairs {
        let stored = self.stored(table);
        let mut ids = stored.ids.clone();
        if !ids.contains(&stored.info.id) {
            ids.push(stored.info.id);
        }
        let mut contents = Pairs::new();
        for (position, id) in ids.iter().enumerate() {
            let start = ti_codec::key::table_prefix(*id);
            let end = ti_codec::key::prefix_end(&start);
            for (key, value) in self.pairs((start, end)) {
                let mut relative = vec![b't', u8::try_from(position).unwrap()];
                relative.extend_from_slice(&key[9..]);
                contents.insert(relative, value);
            }
        }
        contents
    }

    /// TiDB's own check that rows and index entries belong together.
    pub fn admin_check(&self, table: &str) {
        self.sql(&format!("ADMIN CHECK TABLE `{table}`"));
    }

    /// Copies `from` into the empty table `to` of the same shape, and compares all keys and values.
    pub fn assert_copied(&self, from: &str, to: &str, tasks: usize) {
        let columns = self.columns(from);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let batches = self.batches_of(from, &columns);
        let mut parts: Vec<Vec<RecordBatch>> = vec![Vec::new(); tasks];
        for batch in batches {
            let rows = batch.num_rows();
            let size = rows.div_ceil(tasks);
            for (task, part) in parts.iter_mut().enumerate() {
                let start = (task * size).min(rows);
                part.push(batch.slice(start, size.min(rows - start)));
            }
        }
        self.write(spec(self, to, &columns), &parts)
            .unwrap_or_else(|e| panic!("{to}: {:?} {e}", e.kind));
        self.admin_check(to);
        let (expected, actual) = (self.contents(from), self.contents(to));
        for (key, value) in &expected {
            assert_eq!(actual.get(key), Some(value), "{to}: the value of {key:02x?}");
        }
        assert_eq!(actual.len(), expected.len(), "keys of {to}");
    }
}
