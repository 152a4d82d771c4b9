CREATE VIRTUAL TABLE docs USING fts5(title, body, tokenize = "unicode61 tokenchars ';'");
CREATE TRIGGER docs_ai AFTER INSERT ON documents BEGIN
  INSERT INTO docs(rowid, title, body) VALUES (new.id, new.title, new.body);
END;
CREATE TRIGGER docs_ad AFTER DELETE ON documents BEGIN
  INSERT INTO docs(docs, rowid, title) VALUES('delete', old.id, old.title);
END;
