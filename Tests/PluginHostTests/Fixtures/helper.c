/* A library that a plugin brings along, and what a recipe may name by mistake. */
double table[4] = {1, 2, 3, 4};
_Thread_local double local = 1;

double help(double loss) { return loss + table[0]; }
