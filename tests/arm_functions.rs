//! The functions of templates, one row a fact: an expression and the JSON of its value, or a part of what is wrong.
//! Symbols in braces stand for what is unknown.

use portcullis::input::arm::evaluate;

const TEMPLATE: &str = r#"{
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {
        "open": { "type": "string" }, "count": { "type": "int" }, "list": { "type": "array" },
        "region": { "type": "string", "defaultValue": "westeurope" },
        "wrong": { "type": "int", "defaultValue": "three" },
        "may": { "type": "string", "nullable": true }
    },
    "variables": {
        "people": [ { "name": "Ada", "age": 36 }, { "name": "Bo", "age": 7 }, { "name": "Cy", "age": 36 } ],
        "copy": [ { "name": "squares", "count": 4, "input": "[mul(copyIndex('squares'), copyIndex('squares'))]" } ],
        "circle": "[variables('back')]", "back": "[variables('circle')]",
        "escaped": "[[not an expression]"
    },
    "functions": [ { "namespace": "own", "members": {
        "double": { "parameters": [ { "name": "x", "type": "int" } ], "output": { "type": "int", "value": "[mul(parameters('x'), 2)]" } }
    } } ],
    "resources": []
}"#;

#[track_caller]
fn check(rows: &[(&str, &str)]) {
    for (expression, expected) in rows {
        let found = evaluate(TEMPLATE, expression);
        assert_eq!(found.as_deref(), Ok(*expected), "{expression}");
    }
}

#[track_caller]
fn refuse(rows: &[(&str, &str)]) {
    for (expression, part) in rows {
        let found = evaluate(TEMPLATE, expression);
        assert!(
            found.as_ref().is_err_and(|error| error.contains(part)),
            "{expression}: {found:?}"
        );
    }
}

#[test]
fn arrays() {
    check(&[
        ("array('a')", r#"["a"]"#),
        ("array(createArray(1))", "[1]"),
        ("concat(createArray(1, 2), createArray(3))", "[1,2,3]"),
        ("contains(createArray('one', 'two'), 'two')", "true"),
        ("contains('OneTwo', 'two')", "false"),
        ("contains(createObject('One', 1), 'one')", "true"),
        ("empty(createArray())", "true"),
        ("empty('')", "true"),
        ("empty(createObject('a', 1))", "false"),
        ("first('One')", r#""O""#),
        ("last(createArray(1, 2, 3))", "3"),
        ("indexOf(createArray('a', 'b', 'a'), 'a')", "0"),
        ("lastIndexOf(createArray('a', 'b', 'a'), 'a')", "2"),
        ("intersection(createArray(1, 2, 3), createArray(3, 2))", "[2,3]"),
        (
            "intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))",
            r#"{"a":1}"#,
        ),
        ("union(createArray(1, 2), createArray(2, 3))", "[1,2,3]"),
        ("length('naïve')", "5"),
        ("length(createObject('a', 1, 'b', 2))", "2"),
        ("range(5, 3)", "[5,6,7]"),
        ("range(0, 0)", "[]"),
        ("skip(createArray(1, 2, 3), 1)", "[2,3]"),
        ("skip('abc', 5)", r#""""#),
        ("take('abc', 2)", r#""ab""#),
        ("take(createArray(1, 2), -1)", "[]"),
        ("flatten(createArray(createArray(1), createArray(2, 3)))", "[1,2,3]"),
        ("indexFromEnd(createArray(1, 2, 3), 1)", "3"),
        ("tryIndexFromEnd(createArray(1), 2)", "null"),
        ("min(3, 1, 2)", "1"),
        ("max(createArray(3, 9, 2))", "9"),
    ]);
    refuse(&[
        ("range(0, 10001)", "10000"),
        ("concat('a', createArray())", "not an array"),
        ("createArray(1)[1]", "no element 1"),
        ("first(3)", "a number"),
    ]);
}

#[test]
fn objects() {
    check(&[
        ("createObject('a', 1, 'b', createArray(2))", r#"{"a":1,"b":[2]}"#),
        (
            "items(createObject('b', 2, 'a', 1))",
            r#"[{"key":"a","value":1},{"key":"b","value":2}]"#,
        ),
        ("objectKeys(createObject('b', 2, 'a', 1))", r#"["a","b"]"#),
        (
            "shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2))))",
            r#"{"a":{"y":2}}"#,
        ),
        (
            "union(createObject('a', createObject('x', 1), 'l', createArray(1)), createObject('a', createObject('y', 2), 'l', createArray(2)))",
            r#"{"a":{"x":1,"y":2},"l":[2]}"#,
        ),
        ("json('{\"a\": [1, true, null]}').a[1]", "true"),
        ("json('[1, 2]')", "[1,2]"),
        ("null()", "null"),
        ("createObject('Name', 5).name", "5"),
        ("createObject('a', 1).?b", "null"),
        ("createArray(1)[?3]", "null"),
        ("tryGet(createObject('a', createArray(7)), 'a', 0)", "7"),
        ("tryGet(createObject('a', 1), 'b', 'c')", "null"),
        ("coalesce(null(), tryGet(createObject(), 'x'), 'z')", r#""z""#),
    ]);
    refuse(&[
        ("createObject('a')", "a value for each name"),
        ("createObject('a', 1).b", "no member `b`"),
        ("json('{')", "not JSON"),
    ]);
}

#[test]
fn numbers_and_logic() {
    check(&[
        ("add(2, 3)", "5"),
        ("sub(2, 3)", "-1"),
        ("mul(-4, 3)", "-12"),
        ("div(8, 3)", "2"),
        ("mod(7, 3)", "1"),
        ("int('42')", "42"),
        ("float('3.5')", "3.5"),
        ("equals('a', 'A')", "false"),
        (
            "equals(createObject('a', 1, 'b', 2), createObject('b', 2, 'a', 1))",
            "true",
        ),
        ("and(true(), not(false()))", "true"),
        ("or(false(), bool('true'))", "true"),
        ("xor(true(), true())", "false"),
        ("bool(0)", "false"),
        ("if(less(1, 2), 'y', 'n')", r#""y""#),
        ("lessOrEquals(2, 2)", "true"),
        ("greater('b', 'a')", "true"),
        ("greaterOrEquals(1, 2)", "false"),
        // The branch that is not taken is not evaluated.
        ("if(true(), 1, div(1, 0))", "1"),
    ]);
    refuse(&[
        ("div(1, 0)", "by zero"),
        ("add(9223372036854775807, 1)", "range"),
        ("int('x')", "no whole number"),
        ("if(1, 2, 3)", "condition"),
    ]);
}

#[test]
fn strings() {
    check(&[
        ("concat('a', 'b', 'c')", r#""abc""#),
        (
            "format('{0}-{1:D3}|{2,5}|{2,-4}|{{}}', 'a', 7, 'z')",
            r#""a-007|    z|z   |{}""#,
        ),
        ("format('{0:N0}', 8175133)", r#""8,175,133""#),
        ("format('{0}', true())", r#""True""#),
        ("toLower('ÄB')", r#""äb""#),
        ("toUpper('ab')", r#""AB""#),
        ("trim('  a ')", r#""a""#),
        ("replace('123-123', '-', '')", r#""123123""#),
        ("split('a,b;c', createArray(',', ';'))", r#"["a","b","c"]"#),
        ("join(createArray('a', 1, true()), '-')", r#""a-1-True""#),
        ("substring('one two', 4, 3)", r#""two""#),
        ("substring('one', 1)", r#""ne""#),
        ("padLeft('7', 3, '0')", r#""007""#),
        ("padLeft(12, 4)", r#""  12""#),
        ("startsWith('abcdef', 'AB')", "true"),
        ("endsWith('abcdef', 'F')", "true"),
        ("indexOf('test', 't')", "0"),
        ("lastIndexOf('test', 'T')", "3"),
        ("indexOf('abc', 'z')", "-1"),
        ("string(createArray('a', 2))", r#""[\"a\",2]""#),
        ("string(5)", r#""5""#),
        ("'it''s'", r#""it's""#),
        ("base64('one, two')", r#""b25lLCB0d28=""#),
        ("base64ToString(base64('héllo'))", r#""héllo""#),
        ("base64ToJson(base64('{\"a\":1}')).a", "1"),
        ("dataUri('Hello')", r#""data:text/plain;charset=utf8;base64,SGVsbG8=""#),
        ("dataUriToString('data:;base64,SGVsbG8=')", r#""Hello""#),
        (
            "uri('http://h.example/a/b.json', 'c/d.json')",
            r#""http://h.example/a/c/d.json""#,
        ),
        ("uri('http://h.example/a/', '/c')", r#""http://h.example/c""#),
        ("uriComponent('a b/c')", r#""a%20b%2Fc""#),
        ("uriComponentToString('a%20b%2Fc')", r#""a b/c""#),
        ("variables('escaped')", r#""[not an expression]""#),
    ]);
    refuse(&[
        ("substring('abc', 2, 5)", "beyond"),
        ("format('{3}', 1)", "no argument"),
        ("base64ToString('%%')", "base64"),
        ("trim(5)", "a string"),
    ]);
}

#[test]
fn lambdas() {
    check(&[
        (
            "map(variables('people'), lambda('p', lambdaVariables('p').name))",
            r#"["Ada","Bo","Cy"]"#,
        ),
        (
            "map(range(0, 2), lambda('x', 'i', add(lambdaVariables('x'), lambdaVariables('i'))))",
            "[0,2]",
        ),
        (
            "length(filter(variables('people'), lambda('p', greater(lambdaVariables('p').age, 18))))",
            "2",
        ),
        (
            "reduce(range(1, 4), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))",
            "10",
        ),
        (
            "map(sort(variables('people'), lambda('a', 'b', less(lambdaVariables('a').age, lambdaVariables('b').age))), lambda('p', lambdaVariables('p').name))",
            r#"["Bo","Ada","Cy"]"#,
        ),
        (
            "toObject(variables('people'), lambda('p', lambdaVariables('p').name), lambda('p', lambdaVariables('p').age))",
            r#"{"Ada":36,"Bo":7,"Cy":36}"#,
        ),
        (
            "length(groupBy(variables('people'), lambda('p', string(lambdaVariables('p').age)))['36'])",
            "2",
        ),
        (
            "mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))",
            r#"{"a":2}"#,
        ),
        (
            "map(createArray(1), lambda('x', map(createArray(2), lambda('y', add(lambdaVariables('x'), lambdaVariables('y'))))))",
            "[[3]]",
        ),
    ]);
    refuse(&[
        ("lambda('x', 1)", "stands only within"),
        ("lambdaVariables('q')", "`q`"),
        ("map(1, lambda('x', 1))", "not an array"),
    ]);
}

#[test]
fn prefixes() {
    check(&[
        (
            "parseCidr('10.144.0.0/20')",
            r#"{"network":"10.144.0.0","netmask":"255.255.240.0","broadcast":"10.144.15.255","firstUsable":"10.144.0.1","lastUsable":"10.144.15.254","cidr":20}"#,
        ),
        (
            "parseCidr('fdad:3236:5555::/48').lastUsable",
            r#""fdad:3236:5555:ffff:ffff:ffff:ffff:ffff""#,
        ),
        ("parseCidr('fdad:3236:5555::/48').netmask", r#""ffff:ffff:ffff::""#),
        ("cidrSubnet('10.144.0.0/20', 24, 4)", r#""10.144.4.0/24""#),
        (
            "cidrSubnet('fdad:3236:5555::/48', 52, 1)",
            r#""fdad:3236:5555:1000::/52""#,
        ),
        ("cidrSubnet('0.0.0.0/0', 32, 4294967295)", r#""255.255.255.255/32""#),
        ("cidrSubnet('::/0', 128, 1)", r#""::1/128""#),
        ("cidrHost('10.144.3.0/24', 0)", r#""10.144.3.1""#),
        ("cidrHost('fdad:3236:5555:3000::/52', 4)", r#""fdad:3236:5555:3000::5""#),
    ]);
    refuse(&[
        ("cidrSubnet('10.0.0.0/24', 16, 0)", "prefix length"),
        ("cidrSubnet('10.0.0.0/24', 25, 2)", "index"),
        ("cidrHost('10.0.0.0/30', 2)", "no host"),
        ("parseCidr('10.0.0.0')", "no address prefix"),
    ]);
}

#[test]
fn dates() {
    check(&[
        ("dateTimeFromEpoch(1683040573)", r#""2023-05-02T15:16:13Z""#),
        ("dateTimeToEpoch('2023-05-02T15:16:13Z')", "1683040573"),
        (
            "dateTimeToEpoch(dateTimeAdd('2023-05-02 15:16:13Z', 'P1Y'))",
            "1714662973",
        ),
        (
            "dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')",
            r#""2020-03-29 14:53:14Z""#,
        ),
        (
            "dateTimeAdd('2020-04-07T14:53:14Z', 'PT1H', 'yyyy-MM-dd HH:mm')",
            r#""2020-04-07 15:53""#,
        ),
        ("utcNow()", r#""{utcNow}""#),
    ]);
    refuse(&[
        ("dateTimeAdd('soon', 'P1D')", "no date"),
        ("dateTimeAdd('2020-04-07T14:53:14Z', 'later')", "duration"),
    ]);
}

#[test]
fn identities() {
    const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template";
    let quoted = |rest: &str| format!("\"{GROUP}{rest}\"");
    check(&[
        ("resourceId('A.B/c', 'x')", &quoted("/providers/A.B/c/x")),
        ("resourceId('A.B/c/d', 'x', 'y')", &quoted("/providers/A.B/c/x/d/y")),
        (
            "resourceId('g', 'A.B/c', 'x')",
            "\"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/A.B/c/x\"",
        ),
        (
            "resourceId('s', 'g', 'A.B/c', 'x')",
            r#""/subscriptions/s/resourceGroups/g/providers/A.B/c/x""#,
        ),
        (
            "subscriptionResourceId('s', 'A.B/c', 'x')",
            r#""/subscriptions/s/providers/A.B/c/x""#,
        ),
        ("tenantResourceId('A.B/c', 'x')", r#""/providers/A.B/c/x""#),
        (
            "managementGroupResourceId('m', 'A.B/c', 'x')",
            r#""/providers/Microsoft.Management/managementGroups/m/providers/A.B/c/x""#,
        ),
        (
            "extensionResourceId('/subscriptions/s', 'A.B/c', 'x')",
            r#""/subscriptions/s/providers/A.B/c/x""#,
        ),
        (
            "resourceId('A.B/c', parameters('open'))",
            &quoted("/providers/A.B/c/{open}"),
        ),
        ("resourceGroup().id", &quoted("")),
        (
            "subscription().subscriptionId",
            "\"00000000-0000-0000-0000-000000000000\"",
        ),
        ("equals(uniqueString('a'), uniqueString('a'))", "true"),
        ("equals(guid('a', 'b'), guid('a', 'b'))", "true"),
    ]);
    refuse(&[
        ("resourceId('A.B/c/d', 'x')", "needs 2 names"),
        ("resourceId('x')", "no resource type"),
    ]);
}

#[test]
fn what_is_unknown_stays_so_unless_it_does_not_matter() {
    check(&[
        ("parameters('open')", r#""{open}""#),
        ("parameters('may')", "null"),
        ("parameters('region')", r#""westeurope""#),
        ("concat('nic-', parameters('open'))", r#""nic-{open}""#),
        ("format('{0}-{1}', parameters('open'), 1)", r#""{open}-1""#),
        ("and(false(), equals(parameters('open'), 'x'))", "false"),
        ("or(equals(parameters('open'), 'x'), true())", "true"),
        ("if(equals(parameters('open'), 'x'), 5, 5)", "5"),
        ("equals(parameters('open'), parameters('open'))", "true"),
        (
            "equals(createArray(1, parameters('open')), createArray(2, parameters('open')))",
            "false",
        ),
        ("contains(createArray('a', parameters('open')), 'a')", "true"),
        ("length(createArray(parameters('open')))", "1"),
        ("variables('squares')[3]", "9"),
        ("own.double(21)", "42"),
        ("sys.concat('a', 'b')", r#""ab""#),
    ]);
    // Symbols stand for values that nobody knows.
    for expression in [
        "equals(parameters('open'), 'x')",
        "equals(toLower(parameters('open')), parameters('open'))",
        "equals(filter(createArray(1), lambda('a', equals(parameters('open'), 'x'))), filter(createArray(2), lambda('a', equals(parameters('open'), 'x'))))",
        "contains(createArray(parameters('open')), 'a')",
        "if(equals(parameters('open'), 'x'), 1, 2)",
        "add(parameters('count'), 1)",
        "length(parameters('list'))",
        "parameters('list')[0].name",
        "substring(uniqueString('a'), 0, 3)",
        "reference('x').outputs.y.value",
        "listKeys('x', '2020-01-01').keys[0]",
        "newGuid()",
        "environment().suffixes.storage",
        "parameters('wrong')",
    ] {
        let found = evaluate(TEMPLATE, expression);
        assert!(
            found.as_ref().is_ok_and(|json| json.starts_with("\"{")),
            "{expression}: {found:?}"
        );
    }
}

#[test]
fn what_azure_refuses_is_refused() {
    refuse(&[
        ("parameters('none')", "no parameter `none`"),
        ("variables('none')", "no variable `none`"),
        ("nonsense(1)", "`nonsense` is no function"),
        ("own.none(1)", "not defined"),
        ("concat('a'", "missing at the end"),
        ("concat('a',)", "begins no value"),
        ("'abc", "no end"),
        ("concat 'a'", "called with `()`"),
        ("add(1)", "does not take 1 arguments"),
        ("", "missing"),
    ]);
    let deep = format!("{}1{}", "array(".repeat(500), ")".repeat(500));
    refuse(&[(deep.as_str(), "deeper than")]);
    let chain = format!("parameters('open'){}", ".a".repeat(5000));
    refuse(&[(chain.as_str(), "more than")]);
}

#[test]
fn a_variable_that_needs_itself_is_unknown() {
    let found = evaluate(TEMPLATE, "variables('circle')");
    assert!(
        found.as_ref().is_ok_and(|json| json.contains("{expression#")),
        "{found:?}"
    );
}
