//! The language of Terraform: each function and construct by examples of the public reference, and a generated corpus
//! that the real `terraform` answers too, where it is installed.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use portcullis::input::terraform::evaluate;

/// What an expression is, on one line.
fn shown(expression: &str) -> String {
    match evaluate(expression) {
        Ok(text) => text.split('\n').map(str::trim).collect::<Vec<_>>().join(" "),
        Err(_) => "error".to_owned(),
    }
}

fn check(cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(shown(expression), *expected, "{expression}: {:?}", evaluate(expression));
    }
}

#[test]
fn numbers() {
    check(&[
        ("abs(-12.4)", "12.4"),
        ("ceil(5.1)", "6"),
        ("floor(4.9)", "4"),
        ("floor(-4.9)", "-5"),
        ("log(16, 2)", "4"),
        ("max(12, 54, 3)", "54"),
        ("min([12, 54, 3]...)", "3"),
        ("parseint(\"FF\", 16)", "255"),
        ("parseint(\"-1011111011101111\", 2)", "-48879"),
        ("parseint(\"aA\", 62)", "656"),
        ("parseint(\"12\", 2)", "error"),
        ("pow(3, 2)", "9"),
        ("signum(-13)", "-1"),
        ("sum([10, 13, 6, 4.5])", "33.5"),
        ("1 / 0", "error"),
        ("7 % 4", "3"),
        ("0.1 + 0.2", "0.3"),
        ("\"3\" + 4", "7"),
    ]);
}

#[test]
fn texts() {
    check(&[
        ("chomp(\"hello\\r\\n\")", "\"hello\""),
        ("endswith(\"hello world\", \"world\")", "true"),
        ("format(\"Hello, %s!\", \"Ander\")", "\"Hello, Ander!\""),
        (
            "format(\"%05d|%-5s|%.2f|%x|%q|%%\", 42, \"a\", 1.5, 255, \"q\")",
            "\"00042|a    |1.50|ff|\\\"q\\\"|%\"",
        ),
        ("format(\"%s\")", "error"),
        (
            "formatlist(\"%s-%s\", [\"a\", \"b\"], \"z\")",
            "tolist([ \"a-z\", \"b-z\", ])",
        ),
        ("indent(2, \"a\\nb\")", "<<EOT a b EOT"),
        ("join(\"-\", [\"a\", \"b\"], [\"c\"])", "\"a-b-c\""),
        ("lower(\"HELLO\")", "\"hello\""),
        ("regex(\"[a-z]+\", \"53453453.345345aaabbbccc23454\")", "\"aaabbbccc\""),
        (
            "regex(\"(\\\\d\\\\d\\\\d\\\\d)-(\\\\d\\\\d)\", \"2019-02\")",
            "[ \"2019\", \"02\", ]",
        ),
        (
            "regex(\"^(?:(?P<scheme>[^:/?#]+):)?\", \"https://x\")",
            "{ \"scheme\" = \"https\" }",
        ),
        (
            "regexall(\"[a-z]+\", \"1234abcd5678efgh9\")",
            "tolist([ \"abcd\", \"efgh\", ])",
        ),
        ("replace(\"1 + 2 + 3\", \"+\", \"-\")", "\"1 - 2 - 3\""),
        (
            "replace(\"hello world\", \"/w.*d/\", \"everybody\")",
            "\"hello everybody\"",
        ),
        ("split(\",\", \"foo,bar\")", "tolist([ \"foo\", \"bar\", ])"),
        ("startswith(\"hello\", \"he\")", "true"),
        ("strcontains(\"hello\", \"ell\")", "true"),
        ("strrev(\"hello\")", "\"olleh\""),
        ("substr(\"hello world\", 1, 4)", "\"ello\""),
        ("substr(\"hello world\", -5, -1)", "\"world\""),
        ("title(\"hello world\")", "\"Hello World\""),
        ("trim(\"?!hello?!\", \"!?\")", "\"hello\""),
        ("trimprefix(\"helloworld\", \"hello\")", "\"world\""),
        ("trimsuffix(\"helloworld\", \"world\")", "\"hello\""),
        ("trimspace(\"  hello\\n\\n\")", "\"hello\""),
        ("upper(\"hello\")", "\"HELLO\""),
    ]);
}

#[test]
fn collections() {
    check(&[
        ("alltrue([\"true\", true])", "true"),
        ("anytrue([])", "false"),
        (
            "chunklist([\"a\", \"b\", \"c\"], 2)",
            "tolist([ tolist([ \"a\", \"b\", ]), tolist([ \"c\", ]), ])",
        ),
        ("coalesce(\"\", \"b\")", "\"b\""),
        ("coalesce(1, \"b\")", "\"1\""),
        ("coalescelist([], [\"c\"])", "[ \"c\", ]"),
        ("compact([\"a\", \"\", null, \"b\"])", "tolist([ \"a\", \"b\", ])"),
        ("concat([\"a\"], [\"b\"])", "[ \"a\", \"b\", ]"),
        ("contains([\"a\", \"b\"], \"a\")", "true"),
        ("distinct([\"a\", \"b\", \"a\"])", "tolist([ \"a\", \"b\", ])"),
        ("element([\"a\", \"b\", \"c\"], 4)", "\"b\""),
        ("flatten([[\"a\"], [], [[\"b\"], \"c\"]])", "[ \"a\", \"b\", \"c\", ]"),
        ("index([\"a\", \"b\"], \"b\")", "1"),
        ("keys({ b = 1, a = 2 })", "[ \"a\", \"b\", ]"),
        ("length(\"hello\")", "5"),
        ("lookup({ a = \"x\" }, \"c\", \"what?\")", "\"what?\""),
        (
            "matchkeys([\"i-1\", \"i-2\"], [\"w\", \"e\"], [\"w\"])",
            "tolist([ \"i-1\", ])",
        ),
        ("merge({ a = 1 }, { b = 2 }, { a = 3 })", "{ \"a\" = 3 \"b\" = 2 }"),
        ("one([])", "null"),
        ("range(1, 8, 2)", "tolist([ 1, 3, 5, 7, ])"),
        ("reverse([1, 2])", "[ 2, 1, ]"),
        ("setintersection([\"a\", \"b\"], [\"b\", \"c\"])", "toset([ \"b\", ])"),
        (
            "setproduct([\"d\", \"p\"], [\"1\"])",
            "tolist([ [ \"d\", \"1\", ], [ \"p\", \"1\", ], ])",
        ),
        ("setsubtract([\"a\", \"b\"], [\"a\"])", "toset([ \"b\", ])"),
        ("setunion([\"a\"], [\"b\"])", "toset([ \"a\", \"b\", ])"),
        ("slice([\"a\", \"b\", \"c\", \"d\"], 1, 3)", "[ \"b\", \"c\", ]"),
        ("sort([\"e\", \"d\"])", "tolist([ \"d\", \"e\", ])"),
        (
            "transpose({ a = [\"1\", \"2\"], b = [\"2\"] })",
            "tomap({ \"1\" = tolist([ \"a\", ]) \"2\" = tolist([ \"a\", \"b\", ]) })",
        ),
        ("values({ a = 3, c = 2 })", "[ 3, 2, ]"),
        ("zipmap([\"a\", \"b\"], [1, 2])", "{ \"a\" = 1 \"b\" = 2 }"),
    ]);
}

#[test]
fn encodings_hashes_and_dates() {
    check(&[
        ("base64decode(\"SGVsbG8gV29ybGQ=\")", "\"Hello World\""),
        ("base64encode(\"Hello World\")", "\"SGVsbG8gV29ybGQ=\""),
        (
            "csvdecode(\"a,b\\n1,2\\n\")",
            "tolist([ { \"a\" = \"1\" \"b\" = \"2\" }, ])",
        ),
        (
            "jsondecode(\"{\\\"hello\\\": [1, null]}\")",
            "{ \"hello\" = [ 1, null, ] }",
        ),
        (
            "jsonencode({ \"a\" = \"<b>\" })",
            "\"{\\\"a\\\":\\\"\\\\u003cb\\\\u003e\\\"}\"",
        ),
        (
            "textencodebase64(\"Hello World\", \"UTF-16LE\")",
            "\"SABlAGwAbABvACAAVwBvAHIAbABkAA==\"",
        ),
        (
            "textdecodebase64(\"SABlAGwAbABvACAAVwBvAHIAbABkAA==\", \"UTF-16LE\")",
            "\"Hello World\"",
        ),
        ("urlencode(\"Hello World & co\")", "\"Hello+World+%26+co\""),
        (
            "yamldecode(\"a: 1\\nb: [x, true]\\n\")",
            "{ \"a\" = 1 \"b\" = [ \"x\", true, ] }",
        ),
        (
            "yamlencode({ a = \"b\", c = [1] })",
            "<<EOT \"a\": \"b\" \"c\": - 1  EOT",
        ),
        ("md5(\"hello world\")", "\"5eb63bbbe01eeed093cb22bb8f5acdc3\""),
        ("sha1(\"hello world\")", "\"2aae6c35c94fcfb415dbe95f408b9ce91ee846ed\""),
        (
            "sha256(\"hello world\")",
            "\"b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9\"",
        ),
        (
            "base64sha256(\"hello world\")",
            "\"uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=\"",
        ),
        (
            "uuidv5(\"dns\", \"www.terraform.io\")",
            "\"a5008fae-b28c-5ba5-96cd-82b4c53552d6\"",
        ),
        (
            "formatdate(\"DD MMM YYYY hh:mm ZZZ\", \"2018-01-02T23:12:01Z\")",
            "\"02 Jan 2018 23:12 UTC\"",
        ),
        (
            "formatdate(\"EEEE, DD-MMM-YY h 'o''clock' AA\", \"2018-01-02T23:12:01Z\")",
            "\"Tuesday, 02-Jan-18 23 o'clock PM\"",
        ),
        ("timeadd(\"2017-11-22T00:00:00Z\", \"10m\")", "\"2017-11-22T00:10:00Z\""),
        ("timecmp(\"2017-11-22T00:00:00Z\", \"2017-11-22T01:00:00Z\")", "-1"),
        ("uuid()", "(known after apply)"),
        ("timestamp()", "(known after apply)"),
        ("bcrypt(\"x\")", "(known after apply)"),
        ("provider::azurerm::normalise_resource_id(\"x\")", "(known after apply)"),
        ("no_such_function(1)", "error"),
    ]);
}

#[test]
fn addresses() {
    check(&[
        ("cidrhost(\"10.12.112.0/20\", 16)", "\"10.12.112.16\""),
        ("cidrhost(\"10.12.112.0/20\", -1)", "\"10.12.127.255\""),
        (
            "cidrhost(\"fd00:fd12:3456:7890:00a2::/72\", 34)",
            "\"fd00:fd12:3456:7890::22\"",
        ),
        ("cidrnetmask(\"172.16.0.0/12\")", "\"255.240.0.0\""),
        ("cidrsubnet(\"172.16.0.0/12\", 4, 2)", "\"172.18.0.0/16\""),
        (
            "cidrsubnet(\"fd00:fd12:3456:7890::/56\", 16, 162)",
            "\"fd00:fd12:3456:7800:a200::/72\"",
        ),
        (
            "cidrsubnets(\"10.1.0.0/16\", 4, 4, 8, 4)",
            "tolist([ \"10.1.0.0/20\", \"10.1.16.0/20\", \"10.1.32.0/24\", \"10.1.48.0/20\", ])",
        ),
        ("cidrsubnet(\"10.0.0.0/30\", 4, 0)", "error"),
    ]);
}

#[test]
fn constructs() {
    check(&[
        ("[for s in [\"a\", \"b\"] : upper(s)]", "[ \"A\", \"B\", ]"),
        ("{for i, s in [\"a\", \"b\"] : s => i if i > 0}", "{ \"b\" = 1 }"),
        (
            "{for s in [\"a\", \"b\", \"a\"] : s => 1...}",
            "{ \"a\" = [ 1, 1, ] \"b\" = [ 1, ] }",
        ),
        ("{for s in [\"a\", \"a\"] : s => 1}", "error"),
        ("[{ a = 1 }, { a = 2 }][*].a", "[ 1, 2, ]"),
        ("[{ a = [{ b = 1 }] }].*.a[0]", "[ { \"b\" = 1 }, ]"),
        ("null[*]", "[]"),
        ("\"x\"[*]", "[ \"x\", ]"),
        ("true ? [] : [1]", "tolist([])"),
        ("false ? 1 : \"x\"", "\"x\""),
        ("length([1]) > 5 ? [1][3] : 7", "7"),
        ("try([][0], \"none\")", "\"none\""),
        ("can([][0])", "false"),
        ("\"a%{ if true ~}  b  %{~ else }c%{ endif }d\"", "\"abd\""),
        ("\"%{ for x in [1, 2] }<${x}>%{ endfor }\"", "\"<1><2>\""),
        ("\"$${x} %%{y}\"", "\"${x} %{y}\""),
        ("{ \"a b\" = 1, (upper(\"c\")) = 2 }", "{ \"C\" = 2 \"a b\" = 1 }"),
        ("!true || false", "false"),
        ("\"${true}\" == true", "true"),
        ("[1] == tolist([1])", "false"),
        ("tonumber(\"a\")", "error"),
        ("toset([\"b\", \"a\", \"b\"])", "toset([ \"a\", \"b\", ])"),
        ("tomap({ a = 1, b = \"x\" })", "tomap({ \"a\" = \"1\" \"b\" = \"x\" })"),
        ("sensitive(\"x\")", "(sensitive value)"),
        ("nonsensitive(sensitive(\"x\"))", "\"x\""),
        ("issensitive(sensitive(\"x\"))", "true"),
        ("missing.name", "error"),
    ]);
}

#[test]
fn heredocs_lose_indentation_as_terraform_takes_it() {
    let text = "<<-EOT\n    a\n      b ${1}\n\n    c\n    EOT";
    assert_eq!(evaluate(text).expect("a heredoc"), "<<EOT\na\n  b 1\n\nc\n\nEOT");
    let stripped = "<<-EOT\n    %{ for x in [1] ~}\n      item ${x}\n    %{ endfor ~}\n    end\n    EOT";
    assert_eq!(
        evaluate(stripped).expect("a heredoc"),
        "<<EOT\n      item 1\n    end\n\nEOT"
    );
}

#[test]
fn work_is_bounded() {
    check(&[
        ("length([for a in range(1000) : [for b in range(1000) : b]])", "error"),
        ("pow(10, 400)", "error"),
        (
            "indent(10000, replace(format(\"%4096s\", \"\"), \" \", \"\\n\"))",
            "error",
        ),
    ]);
}

/// A generator of expressions that always makes the same ones.
struct Generator {
    state: u64,
}

impl Generator {
    fn below(&mut self, most: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).expect("31 bits") % most
    }

    fn pick<'s>(&mut self, from: &[&'s str]) -> &'s str {
        from[self.below(from.len())]
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .pick(&[
                    "0", "1", "2", "3", "-1", "7", "0.5", "2.75", "100", "1e3", "22", "65535", "\"4\"",
                ])
                .to_owned();
        }
        let d = depth - 1;
        match self.below(16) {
            0 => format!(
                "({} {} {})",
                self.number(d),
                self.pick(&["+", "-", "*", "/", "%"]),
                self.number(d)
            ),
            1 => format!("max({}, {})", self.number(d), self.number(d)),
            2 => format!("min({}, {}, {})", self.number(d), self.number(d), self.number(d)),
            3 => format!("{}({})", self.pick(&["abs", "ceil", "floor", "signum"]), self.number(d)),
            4 => format!("length({})", self.list(d)),
            5 => format!("length({})", self.text(d)),
            6 => format!("sum([{}, {}])", self.number(d), self.number(d)),
            7 => format!("parseint({}, {})", self.text(d), self.pick(&["10", "16", "2", "36"])),
            8 => format!("({} ? {} : {})", self.flag(d), self.number(d), self.number(d)),
            9 => format!("tonumber({})", self.text(d)),
            10 => format!("index({}, {})", self.list(d), self.text(d)),
            11 => format!("try({}, {})", self.number(d), self.number(d)),
            12 => format!(
                "pow({}, {})",
                self.pick(&["2", "3", "10"]),
                self.pick(&["0", "1", "2", "5"])
            ),
            13 => format!("-{}", self.number(d)),
            14 => format!("length({})", self.map(d)),
            _ => format!("{}[{}]", self.numbers(d), self.number(0)),
        }
    }

    fn numbers(&mut self, depth: usize) -> String {
        match (depth, self.below(4)) {
            (0, _) | (_, 0) => self
                .pick(&["[1, 2, 3]", "[]", "[5, 22, 3389]", "tolist([1, 2])", "toset([3, 1])"])
                .to_owned(),
            (_, 1) => format!("range({})", self.pick(&["3", "0", "1, 4", "4, 1", "0, 10, 3"])),
            (d, 2) => format!("[for x in {} : x * {}]", self.numbers(d - 1), self.number(0)),
            (d, _) => format!("[{}, {}]", self.number(d - 1), self.number(d - 1)),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .pick(&[
                    "\"\"",
                    "\"a\"",
                    "\"Hello World\"",
                    "\"b\"",
                    "\"10\"",
                    "\"web-01\"",
                    "\"x,y,z\"",
                    "\" pad \"",
                    "\"äöü\"",
                    "\"a\\nb\"",
                    "\"10.0.0.0/16\"",
                    "\"true\"",
                ])
                .to_owned();
        }
        let d = depth - 1;
        match self.below(24) {
            0 => format!("\"${{{}}}-${{{}}}\"", self.text(d), self.number(d)),
            1 => format!(
                "{}({})",
                self.pick(&["upper", "lower", "title", "trimspace", "strrev", "chomp"]),
                self.text(d)
            ),
            2 => format!("replace({}, {}, {})", self.text(d), self.text(0), self.text(0)),
            3 => format!(
                "substr({}, {}, {})",
                self.text(d),
                self.pick(&["0", "1", "-2", "3"]),
                self.pick(&["-1", "0", "2", "50"])
            ),
            4 => format!("join({}, {})", self.text(0), self.list(d)),
            5 => format!(
                "format({}, {})",
                self.pick(&["\"%s\"", "\"%v!\"", "\"%5s|\"", "\"%-4s|\"", "\"%q\"", "\"%.2s\""]),
                self.text(d)
            ),
            6 => format!(
                "format({}, {})",
                self.pick(&[
                    "\"%d\"", "\"%03d\"", "\"%+d\"", "\"%x\"", "\"%.1f\"", "\"%v\"", "\"%e\"", "\"%g\"", "\"%b\"",
                    "\"%5d|\"", "\"%s\""
                ]),
                self.number(d)
            ),
            7 => format!("({} ? {} : {})", self.flag(d), self.text(d), self.text(d)),
            8 => format!("element({}, {})", self.list(d), self.pick(&["0", "1", "5"])),
            9 => format!("coalesce({}, {})", self.text(d), self.text(d)),
            10 => format!("jsonencode({})", self.any(d)),
            11 => format!(
                "{}({})",
                self.pick(&[
                    "md5",
                    "sha1",
                    "sha256",
                    "sha512",
                    "base64sha256",
                    "base64encode",
                    "urlencode",
                    "base64sha512"
                ]),
                self.text(d)
            ),
            12 => format!("tostring({})", self.number(d)),
            13 => format!("try({}, {})", self.text(d), self.text(d)),
            14 => format!("lookup({}, {}, {})", self.map(d), self.text(0), self.text(d)),
            15 => format!(
                "{}({}, {})",
                self.pick(&["trimprefix", "trimsuffix", "trim"]),
                self.text(d),
                self.text(0)
            ),
            16 => format!("indent({}, {})", self.pick(&["0", "2"]), self.text(d)),
            17 => format!(
                "cidrsubnet(\"10.0.0.0/{}\", {}, {})",
                self.pick(&["8", "16", "24"]),
                self.pick(&["4", "8"]),
                self.pick(&["0", "3", "15", "200"])
            ),
            18 => format!(
                "cidrhost(\"192.168.{}.0/24\", {})",
                self.pick(&["0", "7"]),
                self.number(0)
            ),
            19 => format!(
                "\"%{{ if {} }}{}%{{ else }}no%{{ endif }}\"",
                self.flag(d),
                self.pick(&["yes", " y ", "${1 + 1}"])
            ),
            20 => format!("\"%{{ for x in {} ~}} ${{x}} %{{~ endfor }}\"", self.list(d)),
            21 => format!(
                "formatdate({}, {})",
                self.pick(&[
                    "\"YYYY-MM-DD\"",
                    "\"EEE, D MMMM\"",
                    "\"hh:mm:ss aa\"",
                    "\"HH H h\"",
                    "\"ZZZZZ Z\""
                ]),
                self.pick(&["\"2024-02-29T13:05:09Z\"", "\"1999-12-31T00:00:00+02:00\"", "\"bad\""])
            ),
            22 => format!(
                "timeadd(\"2024-02-28T23:30:00Z\", {})",
                self.pick(&["\"1h\"", "\"-90m\"", "\"36h15s\"", "\"x\""])
            ),
            _ => format!("yamlencode({})", self.any(0)),
        }
    }

    fn flag(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.pick(&["true", "false", "\"true\""]).to_owned();
        }
        let d = depth - 1;
        match self.below(11) {
            0 => format!(
                "({} {} {})",
                self.number(d),
                self.pick(&["<", ">", "<=", ">=", "==", "!="]),
                self.number(d)
            ),
            1 => format!("({} {} {})", self.text(d), self.pick(&["==", "!="]), self.text(d)),
            2 => format!("({} {} {})", self.flag(d), self.pick(&["&&", "||"]), self.flag(d)),
            3 => format!("!{}", self.flag(d)),
            4 => format!("contains({}, {})", self.list(d), self.text(d)),
            5 => format!("can({})", self.any(d)),
            6 => format!(
                "{}({}, {})",
                self.pick(&["startswith", "endswith", "strcontains"]),
                self.text(d),
                self.text(0)
            ),
            7 => format!(
                "{}([{}, {}])",
                self.pick(&["alltrue", "anytrue"]),
                self.flag(d),
                self.flag(d)
            ),
            8 => format!("({} == {})", self.list(d), self.list(d)),
            9 => format!("tobool({})", self.text(0)),
            _ => format!("({} == {})", self.map(d), self.map(d)),
        }
    }

    fn list(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .pick(&[
                    "[]",
                    "[\"a\"]",
                    "[\"b\", \"a\"]",
                    "[\"a\", \"b\", \"a\"]",
                    "tolist([\"x\"])",
                    "toset([\"q\", \"p\"])",
                    "[\"a\", \"\", null]",
                    "[1, \"a\"]",
                ])
                .to_owned();
        }
        let d = depth - 1;
        match self.below(24) {
            0 => format!("concat({}, {})", self.list(d), self.list(d)),
            1 => format!(
                "{}({})",
                self.pick(&["sort", "reverse", "distinct", "compact", "tolist", "toset", "flatten"]),
                self.list(d)
            ),
            2 => format!("split({}, {})", self.text(0), self.text(d)),
            3 => format!(
                "slice({}, {}, {})",
                self.list(d),
                self.pick(&["0", "1"]),
                self.pick(&["1", "2"])
            ),
            4 => format!("keys({})", self.map(d)),
            5 => format!("values({})", self.map(d)),
            6 => format!("[for x in {} : x]", self.list(d)),
            7 => format!("[for i, x in {} : \"${{i}}-${{x}}\" if i > 0]", self.list(d)),
            8 => format!("[for k, v in {} : \"${{k}}=${{v}}\"]", self.map(d)),
            9 => format!("({} ? {} : {})", self.flag(d), self.list(d), self.list(d)),
            10 => format!(
                "{}({}, {})",
                self.pick(&["setunion", "setintersection", "setsubtract"]),
                self.list(d),
                self.list(d)
            ),
            11 => format!("setproduct({}, {})", self.list(d), self.list(0)),
            12 => format!("chunklist({}, {})", self.list(d), self.pick(&["1", "2"])),
            13 => format!("coalescelist({}, {})", self.list(d), self.list(d)),
            14 => format!("flatten([{}, [{}], {}])", self.list(d), self.list(d), self.text(d)),
            15 => format!("formatlist(\"%s!\", {})", self.list(d)),
            16 => format!("{}[*]", self.list(d)),
            17 => format!("[{}, {}]", self.text(d), self.text(d)),
            18 => format!(
                "regexall({}, {})",
                self.pick(&["\"[a-z]+\"", "\"(.)(.)\"", "\"(?P<n>[0-9]+)\""]),
                self.text(d)
            ),
            19 => format!("try({}, {})", self.list(d), self.list(0)),
            20 => format!(
                "cidrsubnets(\"10.0.0.0/16\", {}, {})",
                self.pick(&["4", "8"]),
                self.pick(&["2", "4"])
            ),
            21 => format!("matchkeys({}, {}, {})", self.list(d), self.list(d), self.list(0)),
            22 => format!("[for x in [{}, {}] : x.a]", self.map(0), self.map(0)),
            _ => format!(
                "[for o in [{{ n = {} }}, {{ n = {} }}] : o][*].n",
                self.text(d),
                self.text(d)
            ),
        }
    }

    fn map(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .pick(&[
                    "{}",
                    "{ a = 1 }",
                    "{ a = \"x\", b = \"y\" }",
                    "tomap({ a = \"p\" })",
                    "{ a = \"x\", b = 2 }",
                    "{ \"c d\" = true }",
                ])
                .to_owned();
        }
        let d = depth - 1;
        match self.below(10) {
            0 => format!("merge({}, {})", self.map(d), self.map(d)),
            1 => format!("{{ for x in {} : x => upper(x) }}", self.list(d)),
            2 => format!("{{ for k, v in {} : v => k... }}", self.map(d)),
            3 => format!("zipmap({}, {})", self.list(d), self.list(d)),
            4 => format!("tomap({})", self.map(d)),
            5 => format!("({} ? {} : {})", self.flag(d), self.map(d), self.map(d)),
            6 => format!(
                "{{ a = {}, (\"k${{{}}}\") = {} }}",
                self.text(d),
                self.number(0),
                self.number(d)
            ),
            7 => format!("jsondecode(jsonencode({}))", self.map(d)),
            8 => format!("try({}, {})", self.map(d), self.map(0)),
            _ => format!("transpose({{ a = {} }})", self.list(d)),
        }
    }

    fn any(&mut self, depth: usize) -> String {
        match self.below(6) {
            0 => self.number(depth),
            1 | 2 => self.text(depth),
            3 => self.flag(depth),
            4 => self.list(depth),
            _ => self.map(depth),
        }
    }
}

/// How many expressions are compared, at least two thousand.
const CORPUS: usize = 3000;
/// How many are put into one configuration.
const BATCH: usize = 500;

/// What `terraform console` says of each; `None` where there is no terraform.
fn answers(expressions: &[String]) -> Option<Vec<String>> {
    let directory = tempfile::tempdir().expect("a directory");
    let mut text = String::from("locals {\n  all = [\n");
    for (at, expression) in expressions.iter().enumerate() {
        writeln!(text, "    \"@@{at}\", try({expression}, \"!error\"),").expect("memory");
    }
    text.push_str("  ]\n}\n");
    std::fs::write(directory.path().join("main.tf"), text).expect("a file");
    let mut child = Command::new("terraform")
        .arg("console")
        .current_dir(directory.path())
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"local.all\n")
        .expect("a pipe");
    let output = child.wait_with_output().expect("terraform runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "terraform refuses the corpus: {said}");
    let mut out = Vec::new();
    let mut rest = text.as_str();
    for at in 0..expressions.len() {
        let mark = format!("  \"@@{at}\",\n");
        let next = format!("\n  \"@@{}\",\n", at + 1);
        let start = rest.find(&mark).expect("every mark is answered") + mark.len();
        let end = rest[start..]
            .find(&next)
            .map_or_else(|| rest.rfind("\n]").expect("an end"), |end| start + end);
        out.push(rest[start..end].trim().trim_end_matches(',').to_owned());
        rest = &rest[end..];
    }
    Some(out)
}

/// As it is printed within a list.
fn ours(expression: &str) -> String {
    match evaluate(&format!("[{expression}]")) {
        Ok(text) => {
            let inner = text.trim_start_matches("[\n").trim_end_matches(']').trim_end();
            inner.trim().trim_end_matches(',').to_owned()
        }
        Err(_) => "\"!error\"".to_owned(),
    }
}

/// What differs is of three kinds: the types of empty lists and maps are not kept (so that a list of texts is not told
/// from a list of lists when it is empty), nor those of nulls, which are shown only; and there is no minus zero.
#[test]
fn a_generated_corpus_agrees_with_terraform() {
    let mut generator = Generator { state: 20_261_121 };
    let mut corpus: Vec<String> = Vec::new();
    while corpus.len() < CORPUS {
        let depth = 1 + corpus.len() % 3;
        let expression = generator.any(depth);
        if !corpus.contains(&expression) {
            corpus.push(expression);
        }
    }
    let mut differ = Vec::new();
    for batch in corpus.chunks(BATCH) {
        let Some(theirs) = answers(batch) else {
            eprintln!("skipped: there is no `terraform` on the path");
            return;
        };
        for (expression, theirs) in batch.iter().zip(theirs) {
            let ours = ours(expression);
            if ours != theirs {
                differ.push(format!("{expression}\n  ours:   {ours}\n  theirs: {theirs}"));
            }
        }
    }
    let agree = CORPUS - differ.len();
    eprintln!("{agree} of {CORPUS} expressions agree with terraform");
    for one in &differ {
        eprintln!("{one}");
    }
    assert!(agree * 100 >= CORPUS * 99, "only {agree} of {CORPUS} agree");
}
