SELECT 'C:\dir\';
SELECT E'it\'s; \\', e'\';';
SELECT E'first'
   -- a comment between
   'second\'; ';
SELECT 'plain'
   'second\';
SELECT U&'d\0061t\+000061;', U&"d\0061;t" UESCAPE '!';
SELECT B'01;', X'1F;', N'é;', name';';
SELECT "a;""b", "it's";
SELECT table_e'x\';
