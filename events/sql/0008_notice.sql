-- What the operator tells all who follow the record, before a planned restore, say; empty where there is nothing to tell.
ALTER TABLE log_head ADD COLUMN notice text NOT NULL DEFAULT '';
