//! The generated code is what the table says.

/// Without what rustfmt adds or takes away, so that another version of it does not fail the test.
fn unformatted(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !",{}".contains(*c)).collect()
}

#[test]
fn generated_code_is_what_the_table_says() {
    let files = xtask::generate::generate().unwrap();
    for (name, text) in &files {
        let committed = std::fs::read_to_string(xtask::generate::folder().join(name)).unwrap();
        assert!(
            unformatted(&committed) == unformatted(text),
            "{name} is older than the table, or was changed by hand: cargo run -p xtask -- generate"
        );
    }
    let names: Vec<_> = files.into_iter().map(|(name, _)| name).collect();
    for file in std::fs::read_dir(xtask::generate::folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "{name} is not generated any more");
    }
}
