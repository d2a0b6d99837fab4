use super::*;

fn types_of(lines: &[Line], name: &str) -> String {
    lines.iter().find(|l| l.spark == name).unwrap().types.clone()
}

#[test]
fn every_line_says_for_which_types() {
    for line in functions().iter().chain(&operators()) {
        let constant = line.spark.starts_with("ALWAYS");
        assert_eq!(line.types.is_empty(), constant, "{line:?}");
    }
    assert_eq!(types_of(&functions(), "CONTAINS"), "CHAR, VARCHAR, TEXT");
    assert_eq!(types_of(&functions(), "EXTRACT_YEAR"), "DATE; DATETIME");
    assert!(!types_of(&operators(), "SUM").contains("DOUBLE"));
    for line in functions() {
        for never in ["ENUM", "SET", "BIT", "VECTOR"] {
            assert!(!line.types.split("; ").any(|t| t == never), "{line:?}");
        }
    }
}

#[test]
fn a_name_is_there_once() {
    let mut names: Vec<&str> = FUNCTIONS.iter().flat_map(|f| f.names.iter().copied()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
