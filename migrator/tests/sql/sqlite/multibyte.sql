CREATE TABLE "größe;" (日本 TEXT DEFAULT 'é;');
INSERT INTO [größe;] VALUES ('🎉;''');
