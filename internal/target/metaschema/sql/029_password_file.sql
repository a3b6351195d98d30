-- Where a broker's password is, if not in sasl_password: a file, or a variable of the environment.
ALTER TABLE metadb.source
    ADD COLUMN sasl_password_file text NOT NULL DEFAULT '',
    ADD COLUMN sasl_password_env text NOT NULL DEFAULT '';
