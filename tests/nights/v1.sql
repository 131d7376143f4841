-- The tables of version 1 as they were made then, and one scan with one open finding. Never changed.
CREATE TABLE schema_version (version BIGINT NOT NULL);
CREATE TABLE scans ( id BIGINT PRIMARY KEY, run TEXT NOT NULL, taken TEXT NOT NULL, written TEXT NOT NULL, tool TEXT NOT NULL, digest TEXT NOT NULL, inputs TEXT NOT NULL, complete BIGINT NOT NULL, lost TEXT NOT NULL);
CREATE INDEX scans_taken ON scans (taken);
CREATE TABLE coverage ( scan BIGINT NOT NULL REFERENCES scans (id) ON DELETE CASCADE, scope TEXT NOT NULL, name TEXT, complete BIGINT NOT NULL, missing TEXT NOT NULL, applied BIGINT NOT NULL, PRIMARY KEY (scan, scope));
CREATE INDEX coverage_scope ON coverage (scope);
CREATE TABLE rules ( scan BIGINT NOT NULL REFERENCES scans (id) ON DELETE CASCADE, rule TEXT NOT NULL, title TEXT NOT NULL, severity TEXT NOT NULL, digest TEXT NOT NULL, standards TEXT NOT NULL, PRIMARY KEY (scan, rule));
CREATE TABLE tallies ( scan BIGINT NOT NULL REFERENCES scans (id) ON DELETE CASCADE, scope TEXT NOT NULL, measure TEXT NOT NULL, count BIGINT NOT NULL, PRIMARY KEY (scan, scope, measure));
CREATE TABLE findings ( id BIGINT PRIMARY KEY, fingerprint TEXT NOT NULL, scope TEXT NOT NULL, rule TEXT NOT NULL, rule_digest TEXT NOT NULL, severity TEXT NOT NULL, verdict TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, resource TEXT NOT NULL, subscription TEXT NOT NULL, resource_group TEXT NOT NULL, machine TEXT NOT NULL, owner TEXT NOT NULL, message TEXT NOT NULL, state TEXT NOT NULL, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL, opened TEXT NOT NULL, closed TEXT, openings BIGINT NOT NULL, waived BIGINT NOT NULL, unjudged TEXT, unjudged_scan BIGINT, UNIQUE (fingerprint, scope));
CREATE INDEX findings_scope ON findings (scope);
CREATE TABLE spells ( finding BIGINT NOT NULL REFERENCES findings (id) ON DELETE CASCADE, opened TEXT NOT NULL, opened_scan BIGINT NOT NULL, certain BIGINT NOT NULL, closed TEXT, closed_scan BIGINT, ending TEXT, PRIMARY KEY (finding, opened_scan));
CREATE INDEX spells_opened_scan ON spells (opened_scan);
CREATE INDEX spells_closed_scan ON spells (closed_scan);
CREATE TABLE waivers ( finding BIGINT NOT NULL REFERENCES findings (id) ON DELETE CASCADE, since TEXT NOT NULL, since_scan BIGINT NOT NULL, ended TEXT, ended_scan BIGINT, ending TEXT, reason TEXT NOT NULL, owner TEXT, ticket TEXT, until TEXT, PRIMARY KEY (finding, since_scan));
CREATE TABLE machines ( id BIGINT PRIMARY KEY, resource TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, subscription TEXT NOT NULL, resource_group TEXT NOT NULL, owner TEXT NOT NULL, verdict TEXT NOT NULL, exposure TEXT NOT NULL, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL, gone TEXT, UNIQUE (resource, scope));
CREATE INDEX machines_scope ON machines (scope);
CREATE TABLE judgements ( machine BIGINT NOT NULL REFERENCES machines (id) ON DELETE CASCADE, scan BIGINT NOT NULL, taken TEXT NOT NULL, verdict TEXT NOT NULL, exposure TEXT NOT NULL, because TEXT NOT NULL, PRIMARY KEY (machine, scan));
CREATE TABLE evidence ( scan BIGINT PRIMARY KEY REFERENCES scans (id) ON DELETE CASCADE, report BYTES NOT NULL);
INSERT INTO schema_version (version) VALUES (1);
INSERT INTO scans (id, run, taken, written, tool, digest, inputs, complete, lost) VALUES
    (1, 'first', '2025-12-01T02:00:00Z', '2025-12-01T02:00:00Z', 'portcullis 0.1.0', 'dd', '["all subscriptions"]', 1, '[]');
INSERT INTO coverage (scan, scope, name, complete, missing, applied) VALUES
    (1, '11111111-1111-1111-1111-111111111111', 'one', 1, '[]', 1);
INSERT INTO rules (scan, rule, title, severity, digest, standards) VALUES
    (1, 'management-port-exposed', 'a title', 'high', 'aa', '[]');
INSERT INTO tallies (scan, scope, measure, count) VALUES (1, '11111111-1111-1111-1111-111111111111', 'open', 1);
INSERT INTO findings VALUES
    (1, 'print of vm-a', '11111111-1111-1111-1111-111111111111', 'management-port-exposed', 'aa', 'high', 'unhealthy', 'vm',
     'vm-a', '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-a',
     '11111111-1111-1111-1111-111111111111', 'g',
     '/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/g/providers/microsoft.compute/virtualmachines/vm-a',
     'team', 'port 22 of `vm-a` is open', 'open', '2025-12-01T02:00:00Z', '2025-12-01T02:00:00Z', '2025-12-01T02:00:00Z',
     NULL, 1, 0, NULL, NULL);
INSERT INTO spells (finding, opened, opened_scan, certain) VALUES (1, '2025-12-01T02:00:00Z', 1, 1);
INSERT INTO evidence (scan, report) VALUES (1, EVIDENCE);
