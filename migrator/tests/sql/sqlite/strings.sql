SELECT 'C:\';
SELECT 'it''s; fine', ';;';
SELECT 'multi
line;';
