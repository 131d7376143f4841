//! Whole configurations against the real `terraform`, where it is installed: values of variables in their order, types,
//! overrides, modules, rounds and files. `terraform_data` needs no provider, so a plan of it shows what Terraform makes of
//! an expression; here the same expression names a network security group.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use portcullis::input::{Given, Library, Reading};

struct Case {
    /// Each file with its text; `main.tf` gets the resource as well.
    files: &'static [(&'static str, &'static str)],
    /// `--var`
    values: &'static [(&'static str, &'static str)],
    /// Expressions of the root module.
    asked: &'static [&'static str],
}

const fn case(files: &'static [(&'static str, &'static str)], asked: &'static [&'static str]) -> Case {
    Case {
        files,
        values: &[],
        asked,
    }
}

const CASES: &[Case] = &[
    case(
        &[
            (
                "main.tf",
                "variable \"a\" {\n  default = \"default\"\n}\nvariable \"b\" {\n  default = 1\n}\nvariable \"c\" {}\nvariable \"d\" {}\nvariable \"e\" {}\n",
            ),
            (
                "terraform.tfvars",
                "a = \"tfvars\"\nc = \"tfvars\"\nd = \"tfvars\"\ne = \"tfvars\"\n",
            ),
            (
                "terraform.tfvars.json",
                "{ \"c\": \"json\", \"d\": \"json\", \"e\": \"json\" }",
            ),
            ("b.auto.tfvars", "d = \"auto b\"\ne = \"auto b\"\n"),
            ("a.auto.tfvars.json", "{ \"d\": \"auto a\", \"e\": \"auto a\" }"),
        ],
        &["[var.a, var.b, var.c, var.d, var.e]"],
    ),
    Case {
        files: &[
            (
                "main.tf",
                "variable \"a\" {}\nvariable \"n\" {\n  type = number\n}\nvariable \"l\" {\n  type = list(string)\n}\nvariable \"o\" {\n  type = object({ p = number, q = optional(string, \"q\") })\n}\n",
            ),
            ("terraform.tfvars", "a = \"file\"\n"),
        ],
        values: &[
            ("a", "typed"),
            ("n", "12"),
            ("l", "[\"x\", 1, true]"),
            ("o", "{ p = \"3\" }"),
        ],
        asked: &["[var.a, var.n, var.l, var.o]"],
    },
    case(
        &[(
            "main.tf",
            r#"
variable "rules" {
  type = map(object({
    port    = number
    sources = optional(set(string), ["b", "a", "b"])
    extra   = optional(object({ on = optional(bool, true), tag = optional(string) }), {})
    any     = optional(any)
  }))
  default = {
    ssh = { port = "22" }
    rdp = { port = 3389, sources = ["x"], extra = { tag = "t" }, unknown = 1 }
  }
}
variable "never" {
  type     = string
  default  = "set"
  nullable = false
}
variable "mixed" {
  type    = list(any)
  default = [1, "a", true]
}
variable "pair" {
  type    = tuple([string, number])
  default = [1, "2"]
}
variable "words" {
  type    = set(string)
  default = ["b", "a", "b"]
}
"#,
        )],
        &[
            "var.rules",
            "var.never",
            "var.mixed",
            "var.pair",
            "var.words",
            "[for k, v in var.rules : \"${k}:${v.port}\" if v.extra.on]",
        ],
    ),
    case(
        &[
            (
                "main.tf",
                "variable \"a\" {\n  default = \"base\"\n}\nlocals {\n  x = \"base\"\n  y = \"base\"\n}\nmodule \"m\" {\n  source = \"./m\"\n  p      = \"base\"\n  q      = \"base\"\n}\n",
            ),
            (
                "z_override.tf",
                "variable \"a\" {\n  default = \"z\"\n}\nlocals {\n  x = \"z\"\n}\nmodule \"m\" {\n  q = \"z\"\n}\n",
            ),
            (
                "override.tf",
                "variable \"a\" {\n  default = \"o\"\n}\nlocals {\n  x = \"o\"\n}\n",
            ),
            (
                "m/main.tf",
                "variable \"p\" {}\nvariable \"q\" {}\noutput \"both\" {\n  value = \"${var.p}-${var.q}\"\n}\n",
            ),
        ],
        &["[var.a, local.x, local.y, module.m.both]"],
    ),
    case(
        &[
            (
                "main.tf",
                r#"
module "each" {
  source   = "./m"
  for_each = { a = 1, b = 2 }
  n        = each.value
  name     = each.key
}
module "count" {
  source = "./m"
  count  = 3
  n      = count.index
  name   = "c${count.index}"
}
module "alone" {
  source = "./m"
  n      = module.count[1].twice
  name   = module.each["b"].inner.deep
}
"#,
            ),
            (
                "m/main.tf",
                "variable \"n\" {\n  type = number\n}\nvariable \"name\" {}\nmodule \"inner\" {\n  source = \"../inner\"\n  name   = var.name\n}\noutput \"twice\" {\n  value = var.n * 2\n}\noutput \"inner\" {\n  value = module.inner\n}\noutput \"where\" {\n  value = [basename(path.module), path.root]\n}\n",
            ),
            (
                "inner/main.tf",
                "variable \"name\" {}\noutput \"deep\" {\n  value = upper(var.name)\n}\n",
            ),
        ],
        &[
            "{ for k, m in module.each : k => m.twice }",
            "module.count[*].inner.deep",
            "[for m in module.count : m.twice]",
            "module.alone.twice",
            "module.alone.where",
            "values(module.each)[*].inner",
            "keys(module.each)",
        ],
    ),
    case(
        &[(
            "main.tf",
            r#"
resource "terraform_data" "n" {
  count = 3
  input = { at = count.index, name = format("n%02d", count.index) }
}
resource "terraform_data" "e" {
  for_each = toset(["y", "x"])
  input    = each.key == each.value
}
resource "terraform_data" "none" {
  count = 0
  input = 1
}
locals {
  nested = { for one in [{ k = "a", v = 1 }, { k = "b", v = 2 }, { k = "a", v = 3 }] : one.k => one.v... }
  pairs  = flatten([for net, subnets in { n1 = ["a", "b"], n2 = ["c"] } : [for s in subnets : { net = net, subnet = s }]])
}
"#,
        )],
        &[
            "terraform_data.n[*].input.name",
            "terraform_data.n.*.input.at",
            "[for n in terraform_data.n : n.input.name if n.input.at != 1]",
            "element(terraform_data.n[*].input, 4).name",
            "{ for k, e in terraform_data.e : k => e.input }",
            "terraform_data.none[*].input",
            "one(terraform_data.none[*].input)",
            "try(terraform_data.none[0].input, \"nothing\")",
            "local.nested",
            "{ for p in local.pairs : \"${p.net}.${p.subnet}\" => p }",
            "length(terraform_data.n)",
        ],
    ),
    case(
        &[
            ("main.tf", "locals {\n  name  = \"web\"\n  ports = [22, 443]\n}\n"),
            ("files/plain.txt", "line one\n  line two\n"),
            (
                "files/data.json",
                "{ \"a\": [1, 2.5, null, \"\\u00e9\"], \"b\": { \"c\": true } }",
            ),
            (
                "files/data.yaml",
                "a: 1\nb:\n  - x\n  - {y: 2, z: [~, true]}\nc: |\n  two\n  lines\n",
            ),
            ("files/rows.csv", "name,port\nssh,22\nweb,443\n"),
            (
                "files/page.tftpl",
                "%{ for p in ports ~}\n${name}:${p}\n%{ endfor ~}\nend",
            ),
        ],
        &[
            "file(\"files/plain.txt\")",
            "jsondecode(file(\"${path.module}/files/data.json\"))",
            "yamldecode(file(\"files/data.yaml\"))",
            "csvdecode(file(\"files/rows.csv\"))",
            "templatefile(\"files/page.tftpl\", { name = local.name, ports = local.ports })",
            "fileset(path.module, \"files/*.{json,yaml}\")",
            "filemd5(\"files/plain.txt\")",
        ],
    ),
    case(
        &[(
            "main.tf",
            r#"
locals {
  here = <<-EOT
    first
      second ${local.count + 1}
    %{if local.count > 1~}
    many
    %{else~}
    few
    %{endif~}
  EOT
  plain = <<EOT
  kept
EOT
  count = 2
  object = { (local.key) = 1, "b-c" = 2, d : 3 }
  key    = "dynamic"
  chosen = local.count > 1 ? [1, 2] : []
  text   = "a\tb\u00e9 $${no} %%{no}"
  deep   = { a = { b = [{ c = "found" }] } }
}
"#,
        )],
        &[
            "local.here",
            "local.plain",
            "local.object",
            "local.chosen",
            "local.text",
            "local.deep.a.b[0].c",
            "local.deep[\"a\"].b.0.c",
            "lookup(local.object, \"none\", \"default\")",
            "merge(local.object, { d = null }, { e = [] })",
            "{ for k, v in local.object : upper(k) => v if v > 1 }",
            "[for i, v in local.chosen : i * v]",
            "can(local.deep.x)",
            "try(local.deep.x, local.deep.a.y, \"last\")",
            "cidrsubnet(\"10.0.0.0/8\", 8, length(local.chosen))",
        ],
    ),
    case(
        &[
            ("main.tf", "module \"m\" {\n  source = \"./m\"\n}\n"),
            (
                "m/main.tf.json",
                r#"{
  "//": "a comment",
  "variable": { "ports": { "type": "list(number)", "default": [22, 80] } },
  "locals": { "joined": "${join(\"-\", var.ports)}", "plain": "100%" },
  "output": { "all": { "value": { "joined": "${local.joined}", "first": "${var.ports[0]}", "plain": "${local.plain}" } } }
}"#,
            ),
        ],
        &["module.m.all"],
    ),
];

/// As it is asked: a text without slashes, whatever the value is.
fn wrapped(expression: &str) -> String {
    format!("replace(jsonencode({expression}), \"/\", \"|\")")
}

fn with_resources(case: &Case, resource: impl Fn(usize, &str) -> String) -> Vec<(&'static str, String)> {
    let own = |name: &str| match name {
        "main.tf" => case
            .asked
            .iter()
            .enumerate()
            .map(|(at, one)| resource(at, one))
            .collect(),
        _ => String::new(),
    };
    case.files
        .iter()
        .map(|(name, text)| (*name, format!("{text}{}", own(name))))
        .collect()
}

fn terraform(directory: &Path, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new("terraform");
    command.args(arguments).current_dir(directory);
    command
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .env("TF_IN_AUTOMATION", "1");
    command.output().ok()
}

/// What Terraform makes of each expression; `None` where there is no terraform.
fn theirs(case: &Case) -> Option<BTreeMap<usize, String>> {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let files = with_resources(case, |at, one| {
        format!(
            "\nresource \"terraform_data\" \"asked{at}\" {{\n  input = {}\n}}\n",
            wrapped(one)
        )
    });
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let run = |arguments: &[&str]| {
        let output = terraform(root, arguments)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        Some(output.stdout)
    };
    run(&["init", "-input=false", "-no-color"])?;
    let values: Vec<String> = case
        .values
        .iter()
        .map(|(name, value)| format!("-var={name}={value}"))
        .collect();
    let mut plan = vec!["plan", "-input=false", "-no-color", "-out=it.plan"];
    plan.extend(values.iter().map(String::as_str));
    run(&plan)?;
    let shown: serde_json::Value = serde_json::from_slice(&run(&["show", "-json", "it.plan"])?).unwrap();
    let resources = shown["planned_values"]["root_module"]["resources"].as_array().unwrap();
    let asked = resources.iter().filter_map(|one| {
        let at = one["name"].as_str()?.strip_prefix("asked")?.parse().ok()?;
        Some((at, one["values"]["input"].as_str()?.to_owned()))
    });
    Some(asked.collect())
}

struct Shelf(BTreeMap<String, String>);

impl Library for Shelf {
    fn content(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).map(|text| text.clone().into_bytes())
    }

    fn module(&self, _: &str) -> Option<(String, Vec<u8>)> {
        None
    }
}

/// What we make of each expression.
fn ours(case: &Case) -> BTreeMap<usize, String> {
    let files = with_resources(case, |at, one| {
        let arguments = "location = \"here\"\n  resource_group_name = \"rg\"";
        let name = wrapped(one);
        format!(
            "\nresource \"azurerm_network_security_group\" \"asked{at}\" {{\n  name = \"{at}:${{{name}}}\"\n  {arguments}\n}}\n"
        )
    });
    let mut reading = Reading::default();
    let shelf = files.iter().map(|(name, text)| ((*name).to_owned(), text.clone()));
    reading.library = Some(Arc::new(Shelf(shelf.collect())));
    let values = case
        .values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    reading.terraform.values = values.collect();
    for (name, text) in &files {
        reading.read(name, Given::Found, text.as_bytes());
    }
    reading.finish();
    let named = |text: &str| {
        let (at, value) = text.split_once(':')?;
        Some((at.parse().ok()?, value.to_owned()))
    };
    reading
        .inventory
        .nsgs
        .iter()
        .filter_map(|group| named(group.id.name()))
        .collect()
}

#[test]
fn configurations_say_what_terraform_plans() {
    let (mut asked, mut differ) = (0, Vec::new());
    for case in CASES {
        let Some(theirs) = theirs(case) else {
            eprintln!("skipped: there is no `terraform` on the path");
            return;
        };
        let ours = ours(case);
        for (at, expression) in case.asked.iter().enumerate() {
            asked += 1;
            if theirs.get(&at) != ours.get(&at) {
                differ.push(format!(
                    "{expression}\n  ours:   {:?}\n  theirs: {:?}",
                    ours.get(&at),
                    theirs.get(&at)
                ));
            }
        }
    }
    eprintln!(
        "{} of {asked} expressions in configurations agree with terraform",
        asked - differ.len()
    );
    if !differ.is_empty() {
        panic!("{}", differ.join("\n"));
    }
}
