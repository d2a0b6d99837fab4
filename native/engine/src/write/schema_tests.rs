use super::*;

fn relevant_of(json: &str) -> Value {
    relevant(json.as_bytes(), "`d`.`t`").unwrap()
}

#[test]
fn members_that_say_nothing_about_rows_do_not_count() {
    let before = relevant_of(
        r#"{"id":1,"cols":[{"id":1}],"update_timestamp":5,"revision":2,"tiflash_replica":null,"comment":""}"#,
    );
    let after = relevant_of(
        r#"{"revision":3,"id":1,"cols":[{"id":1}],"update_timestamp":9,"tiflash_replica":{"Count":1},"comment":"x"}"#,
    );
    assert_eq!(before, after);
}

#[test]
fn everything_else_does() {
    let before = relevant_of(r#"{"id":1,"cols":[{"id":1,"state":5}],"index_info":null}"#);
    for after in [
        r#"{"id":1,"cols":[{"id":1,"state":4}],"index_info":null}"#,
        r#"{"id":1,"cols":[{"id":1,"state":5}],"index_info":[{"id":1}]}"#,
        r#"{"id":1,"cols":[{"id":1,"state":5}],"index_info":null,"a_member_of_tomorrow":1}"#,
    ] {
        assert_ne!(before, relevant_of(after), "{after}");
    }
}

#[test]
fn bytes_that_are_no_description_are_an_error() {
    assert_eq!(relevant(b"{", "`d`.`t`").unwrap_err().kind, ErrorKind::Decode);
}
