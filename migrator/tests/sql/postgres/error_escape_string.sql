SELECT E'never closed\';
