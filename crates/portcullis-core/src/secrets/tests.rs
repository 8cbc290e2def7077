//! Tests of what is recognised as a secret, and of the text that remains.

use super::*;

#[test]
fn known_values_and_tokens_are_replaced() {
    let mut secrets = Secrets::default();
    secrets.add("testpass");
    secrets.add("testpass123");
    secrets.add("abc");
    let text = "password=testpass123 abc Authorization: Bearer eyJh.eyJi.c-_x, eyJ alone";
    let shown = secrets.redact(text);
    assert_eq!(shown, "password=*** abc Authorization: Bearer ***, eyJ alone");
}

#[test]
fn beginnings_before_a_cut_are_replaced() {
    let mut secrets = Secrets::default();
    secrets.add("testpass123");
    let shown = secrets.redact("is testpa… or tes… or testpa, Bearer eyJhbGci…");
    assert_eq!(shown, "is ***… or tes… or testpa, Bearer ***…");
    assert_eq!(secrets.redact("testpass123…"), "***…");
}

#[test]
fn other_forms_of_a_value_are_replaced() {
    let mut secrets = Secrets::default();
    secrets.add("pa\"ss/wörd");
    let shown = secrets.redact(r#"pa"ss/wörd pa\"ss/wörd pa%22ss%2Fw%C3%B6rd"#);
    assert_eq!(shown, "*** *** ***");
    let escaped = r#"pa\"ss/w\u00f6rd pa\"ss\/w\u00F6rd pa\"ss\/wörd pa%22ss%2fw%c3%b6rd"#;
    assert_eq!(secrets.redact(escaped), "*** *** *** ***");
    assert_eq!(secrets.redact("pa&quot;ss/wörd pa&#34;ss/wörd"), "*** ***");
    secrets.add("p&ss'w 😀");
    let shown = secrets.redact(r"p&amp;ss&#x27;w 😀 p&amp;ss&#39;w 😀 p&ss'w \ud83d\ude00");
    assert_eq!(shown, "*** *** ***");
    assert_eq!(secrets.redact("p%26ss%27w+%F0%9F%98%80"), "***");
}

#[test]
fn credentials_are_secret_without_the_word_before_them() {
    let config = "[load]\nhost = \"http://h\"\nusers = 1\nspawn_rate = \"1/s\"\n\
                  duration = \"1s\"\n[[scenario.task]]\nname = \"a\"\npath = \"/\"\n\
                  weight = 1\nheaders = { Authorization = \"Basic dXNlcjpwYXNz\" }\n";
    let config = crate::config::load(config, None, &[]).unwrap().config;
    let plan = crate::plan::resolve(&config, crate::plan::PlanInputs::default()).unwrap();
    let mut secrets = Secrets::default();
    secrets.add_scenario(&plan.load.scenario);
    let shown = secrets.redact("got dXNlcjpwYXNz, or Basic dXNlcjpwYXNz");
    assert_eq!(shown, "got ***, or ***");
}

/// So many values and cuts that it would take minutes if each cut were compared with all
/// beginnings.
#[test]
fn many_cuts_and_many_values_are_looked_through() {
    let mut secrets = Secrets::default();
    let token = |number: u32| format!("{number:08}{}", "tok3n".repeat(80));
    (0..2_000).for_each(|number| secrets.add(&token(number)));
    let text = "00000007tok3nto…000…x0000…".repeat(2_000);
    assert_eq!(secrets.hide_beginnings(&text), "***…000…x***…".repeat(2_000));
}

#[test]
fn names_decide_what_is_secret_in_an_environment() {
    let mut secrets = Secrets::default();
    secrets.add_environment([("SECRET_KEY", "k3y-value"), ("DEBUG", "True!")]);
    assert_eq!(secrets.redact("k3y-value True!"), "*** True!");
}

/// A scenario of one task with these lines, and its secrets.
fn of_task(lines: &str) -> Secrets {
    let config = format!(
        "[load]\nhost = \"http://h\"\n[[scenario.task]]\nname = \"a\"\npath = \"/\"\n{lines}"
    );
    let config = crate::config::load(&config, None, &[]).unwrap().config;
    let mut secrets = Secrets::default();
    secrets.add_scenario(&config.scenario);
    secrets
}

#[test]
fn long_and_token_like_values_of_a_secret_place_are_secret_everywhere() {
    for place in [
        "headers = { X-Api-Key = \"{{ v }}\" }",
        "headers = { Authorization = \"Token {{ v }}\" }",
        "query = { api_key = \"{{ v }}\" }",
        "method = \"POST\"\njson = { deep = [{ password = \"{{ v }}\" }] }",
        "method = \"POST\"\njson = { passwords = [\"{{ v }}\"] }",
    ] {
        let values = "values = { v = [\"correct-horse\", \"k3y9zz\", \"rose\"] }";
        let secrets = of_task(&format!("{place}\n{values}\n"));
        let shown = secrets.redact("of correct-horse, k3y9zz and rose");
        assert_eq!(shown, "of ***, *** and rose", "{place}");
    }
    let plain = of_task("query = { q = \"{{ v }}\" }\nvalues = { v = [\"correct-horse\"] }\n");
    assert_eq!(plain.redact("correct-horse"), "correct-horse");
}

#[test]
fn values_with_a_secret_name_are_secret_in_a_path_too() {
    let task = "query = { q = \"{{ reset_token }}\" }\n\
                values = { reset_token = [\"correct-horse\"] }\n";
    assert_eq!(of_task(task).redact("at /reset/correct-horse/"), "at /reset/***/");
}

#[test]
fn short_values_and_ranges_are_secret_at_their_place_only() {
    let task = "method = \"POST\"\nheaders = { X-Auth = \"u-{{ n }}\" }\n\
                query = { token = \"{{ w }}\" }\njson = { pin_token = \"{{ n }}\", pass = \"abc\" }\n\
                values = { n = { from = 10, to = 99 }, w = [\"rose\", \"a b\"] }\n";
    let secrets = of_task(task);
    for (said, shown) in [
        ("X-Auth: u-17\n", "X-Auth: ***\n"),
        ("{'HTTP_X_AUTH': 'u-17'}", "{'HTTP_X_AUTH': '***'}"),
        ("[('x-auth', 'u-17')]", "[('x-auth', '***')]"),
        ("GET /?token=rose HTTP/1.1", "GET /?token=*** HTTP/1.1"),
        ("GET /?token=a%20b&x=1", "GET /?token=***&x=1"),
        (r#"{"pin_token": 17, "pass":"abc"}"#, r#"{"pin_token": ***, "pass":"***"}"#),
        (r#"{\"pin_token\": 17}"#, r#"{\"pin_token\": ***}"#),
        ("&quot;pin_token&quot;: 17", "&quot;pin_token&quot;: ***"),
        // Other places and other values.
        ("17 of rose, abc; u-17", "17 of rose, abc; u-17"),
        ("token=9 X-Auth: u-170 pass: abcd", "token=9 X-Auth: u-170 pass: abcd"),
        ("mytoken=rose, token rose", "mytoken=rose, token rose"),
    ] {
        assert_eq!(secrets.redact(said), shown);
        assert_eq!(secrets.redact(shown), shown, "a second time");
    }
}

#[test]
fn numbers_are_secret_too() {
    let secrets = of_task("method = \"POST\"\njson = { password = 8675309123, pass = 4711 }\n");
    assert_eq!(secrets.redact("8675309123, pass=4711, 4711"), "***, pass=***, 4711");
    let mut secrets = Secrets::default();
    secrets.add_environment([("API_TOKEN", "4711"), ("USE_TOKEN", "true")]);
    assert_eq!(secrets.redact("API_TOKEN=4711 of 4711 is true"), "API_TOKEN=*** of 4711 is true");
}

#[test]
fn encoded_forms_of_a_value_are_replaced() {
    let mut secrets = Secrets::default();
    secrets.add("testpass123");
    for encoded in [
        // base64 alone, and behind one, two and three other bytes.
        "dGVzdHBhc3MxMjM=",
        "OnRlc3RwYXNzMTIz",
        "YTp0ZXN0cGFzczEyMw==",
        "dXNlcl9hOnRlc3RwYXNzMTIz",
        "7465737470617373313233",
        "7465737470617373313233".to_uppercase().as_str(),
    ] {
        assert_eq!(secrets.redact(&format!("got {encoded}, sorry")), "got ***, sorry");
    }
    let mut secrets = Secrets::default();
    secrets.add("pa\"ss/wörd");
    for twice in [
        r#"pa\\\"ss/w\\u00f6rd"#,
        r#"pa\\\"ss/wörd"#,
        "pa%2522ss%252Fw%25C3%25B6rd",
        "pa&amp;quot;ss/wörd",
        "pa\\&quot;ss/wörd",
    ] {
        assert_eq!(secrets.redact(twice), "***", "{twice}");
    }
    let mut bytes = Secrets::default();
    bytes.add("~~~???>>>");
    assert_eq!(bytes.redact("fn5-Pz8_Pj4- or fn5+Pz8/Pj4+"), "*** or ***");
}

#[test]
fn overlapping_values_leave_nothing() {
    let mut secrets = Secrets::default();
    secrets.add("abcdXYZW");
    secrets.add("XYZWefghijk");
    assert_eq!(secrets.redact("abcdXYZWefghijk abcdXYZW abcdXYZW"), "*** *** ***");
}
