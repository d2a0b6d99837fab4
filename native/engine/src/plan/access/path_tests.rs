use super::super::test_support::*;
use super::*;
use crate::catalog::table_info::flag;
use crate::plan::statistics::Pseudo;
use ti_codec::field_type::type_code as t;

/// Rows of an integer key, an index (a), a unique index (b), an index (c, a), an index (d(3)).
fn indexed() -> TableDescriptor {
    let mut table = TableDescriptor::of_columns(vec![
        column(1, "id", t::LONG_LONG, flag::PRI_KEY | flag::NOT_NULL, 20, 0, "binary"),
        column(2, "a", t::LONG, 0, 11, 0, "binary"),
        column(3, "b", t::LONG, 0, 11, 0, "binary"),
        column(4, "c", t::LONG, 0, 11, 0, "binary"),
        column(5, "d", t::VARCHAR, 0, 200, -1, "utf8mb4_bin"),
    ]);
    table.handle = HandleKind::Int;
    table.handle_columns = vec![part(1, None)];
    let index = |id, name: &str, unique, columns| IndexDescriptor {
        id,
        name: name.into(),
        unique,
        columns,
    };
    table.indexes = vec![
        index(1, "ka", false, vec![part(2, None)]),
        index(2, "kb", true, vec![part(3, None)]),
        index(3, "kc", false, vec![part(4, None), part(2, None)]),
        index(4, "kd", false, vec![part(5, Some(3))]),
    ];
    table
}

fn chosen(filters: &[plan::Expr], needed: &[&str], change: impl Fn(&mut plan::PushDown)) -> (String, Option<String>) {
    let table = indexed();
    let types = TypeOptions::default();
    let conditions = Conditions::new(&table, filters, &types);
    let needed: Vec<_> = needed.iter().map(|n| table.column(n).unwrap()).collect();
    let mut push_down = plan::PushDown {
        index_read: true,
        ..Default::default()
    };
    change(&mut push_down);
    let path = Question {
        table: &table,
        needed: &needed,
        conditions: &conditions,
        types: &types,
        new_collation: true,
        push_down: Some(&push_down),
        by_scanned_text: false,
        estimate: &Pseudo::default(),
    }
    .choose();
    let access = match path.access {
        Access::Table => "table".to_owned(),
        Access::IndexOnly(index) => format!("only {}", index.name),
        Access::LookUp(index) => format!("look up {}", index.name),
    };
    (access, path.ranges.map(|r| r.shown))
}

#[test]
fn the_cheapest_way_is_chosen() {
    let eq = |c: &str| call("=", vec![col(c), long(5)]);
    let less = |c: &str| call("<", vec![col(c), long(5)]);
    let all = ["id", "a", "b", "c", "d"];
    let path = |filters: &[plan::Expr], needed: &[&str]| chosen(filters, needed, |_| ()).0;
    assert_eq!(path(&[], &all), "table");
    assert_eq!(path(&[eq("id")], &all), "table");
    assert_eq!(path(&[eq("a")], &all), "look up ka");
    assert_eq!(path(&[eq("a"), eq("b")], &all), "look up kb");
    assert_eq!(path(&[eq("a"), eq("id")], &all), "table", "one row");
    assert_eq!(path(&[eq("a"), eq("c")], &all), "look up kc");
    assert_eq!(path(&[less("a")], &all), "table", "a third of the rows is too much");
    assert_eq!(path(&[less("a")], &["a", "id"]), "only ka");
    assert_eq!(
        path(&[less("a")], &["c", "a"]),
        "only kc",
        "all of a narrow index is cheaper than the table"
    );
    assert_eq!(
        path(&[call("=", vec![col("d"), text("x")])], &["d"]),
        "look up kd",
        "a prefix never covers"
    );
    assert_eq!(path(&[], &[]), "only ka", "the narrowest index is counted");
}

#[test]
fn options_forbid_and_force() {
    let less = [call("<", vec![col("a"), long(5)])];
    assert_eq!(chosen(&less, &["a"], |p| p.index_read = false), ("table".into(), None));
    assert_eq!(
        chosen(&less, &["a", "d"], |p| p.index_first = true),
        ("look up ka".into(), Some("(-inf,5)".into()))
    );
    let bounded = |p: &mut plan::PushDown| {
        p.index_first = true;
        p.index_downgrade_rows = 100;
    };
    assert_eq!(
        chosen(&less, &["a", "d"], bounded).0,
        "table",
        "more rows than may be looked up"
    );
    let id = [call("<", vec![col("id"), long(5)]), less[0].clone()];
    assert_eq!(chosen(&id, &["a", "d"], |p| p.index_first = true).0, "table");
    let never = [call("=", vec![col("a"), lit(plan::data_type::Kind::Int, None)])];
    assert_eq!(chosen(&never, &["a"], |_| ()), ("table".into(), Some(String::new())));
}
