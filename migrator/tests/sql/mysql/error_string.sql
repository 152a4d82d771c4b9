SELECT 1;
SELECT 'ends in a backslash\';
