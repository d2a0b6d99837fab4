//! What a real TiKV cannot be made to do at a given moment: faults by rules of the test store. `--skip needs_faults` leaves them out, and the line
//! of results says how many.

mod replica;
mod scan;
mod txn;
mod txn_commit;
