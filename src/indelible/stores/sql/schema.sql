-- The log of all runs, format 1.  Rows are added at the end and never touched again.

-- rowid is the order in which rows were committed: 1, 2, 3, … without gaps, over all runs.
CREATE TABLE workflow_events (
    run_id TEXT NOT NULL CHECK (
        length(run_id) BETWEEN 1 AND 128
        AND run_id NOT GLOB '*[^A-Za-z0-9._-]*' AND run_id NOT GLOB '.*'
    ),
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    event_type TEXT NOT NULL CHECK (event_type IN (
        'workflow_started', 'workflow_completed', 'workflow_failed', 'workflow_cancelled',
        'node_started', 'node_completed', 'node_failed', 'node_skipped'
    )),
    timestamp TEXT NOT NULL CHECK (length(timestamp) = 27),
    payload TEXT NOT NULL,
    digest TEXT NOT NULL CHECK (length(digest) = 64),
    PRIMARY KEY (run_id, sequence)
) STRICT;

CREATE TRIGGER workflow_events_no_update BEFORE UPDATE ON workflow_events
BEGIN
    SELECT RAISE(ABORT, 'an event never changes');
END;

CREATE TRIGGER workflow_events_no_delete BEFORE DELETE ON workflow_events
BEGIN
    SELECT RAISE(ABORT, 'an event is never removed');
END;

-- INSERT OR REPLACE fires no delete trigger unless the connection asks for it, so what it could
-- replace is looked for before: the same place in the run, or the same rowid.
CREATE TRIGGER workflow_events_in_order BEFORE INSERT ON workflow_events
WHEN NEW.sequence <> 1 + coalesce(
    (SELECT max(sequence) FROM workflow_events WHERE run_id = NEW.run_id), 0
)
BEGIN
    SELECT RAISE(ABORT, 'the sequence of a run has no gaps and no second copies');
END;

CREATE TRIGGER workflow_events_no_replace BEFORE INSERT ON workflow_events
WHEN EXISTS (SELECT 1 FROM workflow_events WHERE rowid = NEW.rowid)
BEGIN
    SELECT RAISE(ABORT, 'an event is never replaced');
END;

CREATE TRIGGER workflow_events_at_the_end AFTER INSERT ON workflow_events
WHEN NEW.rowid <> 1 AND NOT EXISTS (SELECT 1 FROM workflow_events WHERE rowid = NEW.rowid - 1)
BEGIN
    SELECT RAISE(ABORT, 'an event is added at the end');
END;

PRAGMA application_id = 1231971436;

PRAGMA user_version = 1;
