CREATE TABLE [a;b] (`c;d` TEXT, "e;""f" TEXT, [it's] INT);
SELECT [a], "it's", `x``;y` FROM [a;b];
SELECT json('[1;2]'), x'3B', ?1, :name, @name, $name;
