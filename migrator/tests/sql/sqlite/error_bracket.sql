SELECT [open;
