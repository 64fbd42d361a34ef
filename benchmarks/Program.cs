Console.WriteLine("rlleap-bench"); return 0;
